/** Machines from OpenStack, vSphere and others, handed to the host delivery once they answer SSH. Nothing lives here yet. */
@NullMarked
package dev.tenon.iaas;

import org.jspecify.annotations.NullMarked;
