package dev.tenon.testkit;

import java.sql.SQLException;
import javax.sql.DataSource;

/**
 * Fills a database once; tests get copies. Implementations named in {@link Database#template} have a constructor without parameters.
 */
public interface DatabaseTemplate {
    /**
     * Returns what tells this content from any other: the same key must mean the same content, in every JVM and on every day. A
     * version number that is raised with each change will do. 1 to 200 characters.
     */
    String key();

    /** Fills the empty (or migrated) database. Whatever it throws fails the test and leaves no template. */
    void fill(DataSource database) throws SQLException;

    /** Stands for no template at all in an annotation. */
    final class None implements DatabaseTemplate {
        /** Creates it. */
        public None() {}

        @Override
        public String key() {
            return "none";
        }

        @Override
        public void fill(DataSource database) {}
    }
}
