/** What the control plane promises about changes, tested through the API in a simulated world. */
@NullMarked
package dev.tenon.testkit.controlplane;

import org.jspecify.annotations.NullMarked;
