@NullMarked
package dev.tenon.testkit.ssh;

import org.jspecify.annotations.NullMarked;
