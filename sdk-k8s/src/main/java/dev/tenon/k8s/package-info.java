/** Delivery into Kubernetes. */
@NullMarked
package dev.tenon.k8s;

import org.jspecify.annotations.NullMarked;
