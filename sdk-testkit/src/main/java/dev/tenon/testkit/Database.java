package dev.tenon.testkit;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Gives a JUnit test a real, fresh database of its own.
 *
 * <pre>{@code
 * @Test void placesOrder(@Database DataSource db) { … }                        // empty
 * @Database(migrations = "classpath:db/migration") class OrdersTest { … }       // copied from one that was migrated once
 * }</pre>
 *
 * <p>On a parameter or a field, the database is handed over as a {@link javax.sql.DataSource}, a {@link java.sql.Connection}, a
 * {@code String} (JDBC URL with user and password), a {@link TestDatabase}, or a {@link dev.tenon.api.Instance}. On a class, it
 * says what databases its tests get: there, parameters of all these types but {@code String} need no annotation of their own. On an
 * annotation of one's own, it is a shorthand for its attributes. The nearest one with any attribute set counts: one
 * without looks outwards.
 *
 * <p>What asks for the same attributes in the same scope gets the same database; {@link #name} tells several apart. Every database
 * is handed to one test only, whatever runs beside it: methods, classes, or other JVMs. A test that fails keeps its database for
 * {@link #keepMinutes}; where it is stands with the failure.
 */
@Documented
@Inherited
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.PARAMETER, ElementType.FIELD, ElementType.TYPE, ElementType.METHOD})
@ExtendWith(DatabaseExtension.class)
public @interface Database {
    /** PostgreSQL's major version; defaults to 17, the one that comes along. */
    String version() default "17";

    /**
     * What fills the database before the test sees it: directories that Flyway migrates from, then single {@code .sql} files in the
     * order given. {@code classpath:} (the default) or {@code filesystem:} goes in front. Run once for the same content; the
     * test gets a copy.
     */
    String[] migrations() default {};

    /** What fills the database after the migrations, in Java; run once for the same {@link DatabaseTemplate#key}. */
    Class<? extends DatabaseTemplate> template() default DatabaseTemplate.None.class;

    /** Settings of the server, such as {@code work_mem=8MB}; each combination has a server of its own. */
    String[] parameters() default {};

    /** Who shares the database; each test method has its own by default. */
    Scope scope() default Scope.METHOD;

    /** Tells databases with the same attributes apart; 0 to 32 characters. */
    String name() default "";

    /**
     * Whether it gets a server of its own, which {@link TestDatabase#faults} and {@link dev.tenon.api.Instance} need; asking for an
     * {@code Instance} implies it. Takes tens of milliseconds more.
     */
    boolean isolated() default false;

    /** Minutes that the database of a failed test is kept; 0 to 1,440; defaults to 15. One with {@link #isolated} ends with the JVM. */
    int keepMinutes() default 15;

    /** Who shares a database. */
    enum Scope {
        /** One test method. In what is injected once per class (static fields, {@code @BeforeAll}), the class. */
        METHOD,
        /** All tests of one class. */
        CLASS,
        /** All tests of one JVM. */
        RUN
    }
}
