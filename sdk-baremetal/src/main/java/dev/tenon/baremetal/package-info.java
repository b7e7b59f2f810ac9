/** Delivery onto hosts: the local machine now; SSH hosts will be the same driver over another connection. */
@NullMarked
package dev.tenon.baremetal;

import org.jspecify.annotations.NullMarked;
