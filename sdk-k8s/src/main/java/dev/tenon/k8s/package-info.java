/**
 * Members as Kubernetes objects. What is here turns a workload into objects, as a pure function; nothing talks to a cluster yet.
 * It knows no engine: only what the workload says.
 */
@NullMarked
package dev.tenon.k8s;

import org.jspecify.annotations.NullMarked;
