@NullMarked
package dev.tenon.baremetal.internal.ssh;

import org.jspecify.annotations.NullMarked;
