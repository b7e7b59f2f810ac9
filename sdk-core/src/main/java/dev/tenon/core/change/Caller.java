package dev.tenon.core.change;

import dev.tenon.api.Actor;
import dev.tenon.api.RequestKey;
import java.util.Optional;

/**
 * In whose name a call is made.
 *
 * @param actor who asks
 * @param request makes the call safe to repeat, where the caller gave a key
 */
public record Caller(Actor actor, Optional<RequestKey> request) {
    /** The control plane itself. */
    public static final Caller CONTROL_PLANE = new Caller(new Actor("control plane"), Optional.empty());

    /** Returns the name of who asks. */
    public String name() {
        return actor.name();
    }
}
