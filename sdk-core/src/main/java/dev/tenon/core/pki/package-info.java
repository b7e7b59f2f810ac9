/**
 * The private certificate authority of an installation, which signs the certificates of its instances so that clients can verify
 * them, and of the reference server if that is told to encrypt; {@link dev.tenon.core.pki.PrivateAuthority} is public for that one
 * user, and no promise to others. Not for certificates of clients.
 */
@NullMarked
package dev.tenon.core.pki;

import org.jspecify.annotations.NullMarked;
