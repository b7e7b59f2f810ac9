package dev.tenon.engine.postgresql;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import java.util.List;

/** A major version and what differs between them, each in one place. */
enum PostgresqlVersion {
    V14(14),
    V15(15),
    V16(16),
    V17(17),
    V18(18);

    private final int major;

    PostgresqlVersion(int major) {
        this.major = major;
    }

    static PostgresqlVersion of(String version) {
        for (PostgresqlVersion candidate : values()) {
            if (candidate.text().equals(version)) {
                return candidate;
            }
        }
        throw new InvalidSpecException(
                ErrorCode.VERSION_UNKNOWN,
                "version",
                "not a PostgreSQL version known here; expected one of " + newestFirst());
    }

    static List<String> newestFirst() {
        return List.of(V18.text(), V17.text(), V16.text(), V15.text(), V14.text());
    }

    String text() {
        return Integer.toString(major);
    }

    boolean atLeast(PostgresqlVersion other) {
        return major >= other.major;
    }

    /**
     * Before 16 a role with CREATEROLE may grant itself pg_execute_server_program and so leave the database.
     *
     * @see <a href="https://www.postgresql.org/docs/16/release-16.html">Release notes 16: restrict the privileges of CREATEROLE</a>
     */
    boolean createRoleIsSafe() {
        return atLeast(V16);
    }
}
