/**
 * The private certificate authority of an installation, which signs the certificates of its instances so that clients can verify
 * them. Not for certificates of the control plane's own listeners, nor for clients.
 */
@NullMarked
package dev.tenon.core.pki;

import org.jspecify.annotations.NullMarked;
