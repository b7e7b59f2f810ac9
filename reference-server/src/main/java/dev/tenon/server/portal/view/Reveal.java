package dev.tenon.server.portal.view;

import dev.tenon.api.Credential;

/** Shows a password; the one place in the portal that does, for pages that somebody asked for by a form. */
public final class Reveal {
    private Reveal() {}

    /** Returns the clear text. */
    public static String password(Credential credential) {
        return credential.password().reveal(text -> text);
    }
}
