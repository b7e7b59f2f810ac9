package dev.tenon.k8s;

import dev.tenon.api.InvalidSpecException;
import java.util.regex.Pattern;

/**
 * The image that carries an engine's software. It must have {@code /bin/sh} and GNU's core utilities and {@code find}
 * beside it.
 *
 * @param image name with digest, so that every node runs the same bytes whatever happens to a tag
 * @param home absolute path of the software in it
 * @param user name of the user {@code uid} in its {@code /etc/passwd}
 * @param uid user the processes run as; never root
 * @param gid its group, which also owns the volumes; never root's
 */
record SoftwareImage(String image, String home, String user, long uid, long gid) {
    private static final Pattern PINNED = Pattern.compile("[^@\\s]+@sha256:[0-9a-f]{64}");

    SoftwareImage {
        if (!PINNED.matcher(image).matches()) {
            throw new InvalidSpecException("image", "expected a name with a digest: name@sha256:…");
        }
        if (!home.startsWith("/") || home.endsWith("/")) {
            throw new InvalidSpecException("image.home", "expected an absolute path without / at its end");
        }
        if (uid <= 0 || gid <= 0) {
            throw new InvalidSpecException("image.uid", "root is not allowed");
        }
    }
}
