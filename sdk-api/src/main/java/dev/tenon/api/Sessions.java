package dev.tenon.api;

import java.util.List;

/** Client sessions of one instance. Thread-safe. */
public interface Sessions {
    /** Lists them, as the server has them now, without the platform's own. */
    List<Session> list();

    /** Ends one; {@code NOT_FOUND} if there is none. */
    void terminate(long id);
}
