package dev.tenon.core.store;

import java.sql.SQLException;

/** Tells the store's time within a session, in microseconds since 1970. */
@FunctionalInterface
interface StoreClock {
    long now(Session session) throws SQLException;
}
