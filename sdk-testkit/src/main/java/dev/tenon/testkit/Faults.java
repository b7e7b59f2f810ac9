package dev.tenon.testkit;

import dev.tenon.api.ProviderException;
import java.time.Duration;

/**
 * What can go wrong with a database, done to the real server of one test and to the way to it. What is random follows
 * {@link #seed}. Thread-safe. Everything is undone by {@link #heal}, and when the database is closed.
 */
public interface Faults {
    /**
     * Returns where randomness starts: the system property {@code tenon.testkit.seed}, or else a number of its own for each
     * database. It stands with the failure of a test.
     */
    long seed();

    /** Ends every session of the test's database, as an administrator would; returns how many. */
    int endSessions();

    /**
     * Kills the server process of one session, chosen at random, with SIGKILL. The server then ends all its sessions and recovers
     * from its log, which this waits for.
     *
     * @return the process that was killed
     * @throws java.lang.IllegalStateException if there is no session
     */
    long killBackend();

    /** Stops the server in an orderly way and starts it again. */
    void restart();

    /**
     * Stops all processes of the server where they are (SIGSTOP): connections stay, nothing answers. Goes on at {@link #resume},
     * or when this JVM ends.
     */
    void pause();

    /** Lets them go on (SIGCONT). */
    void resume();

    /** Has new connections refused, as if nobody listened; those that are open go on. */
    void refuseConnections();

    /** Accepts connections again. */
    void acceptConnections();

    /** Delays everything that passes, in each direction, by a time chosen at random between the two; zero ends it. */
    void latency(Duration least, Duration most);

    /** Cuts all open connections on the wire (RST); new ones are possible. */
    void cut();

    /**
     * Fills the volume of the test's database to the last byte. At the first time the database moves to a small volume of its own, for
     * which the server restarts.
     *
     * @throws ProviderException {@code UNSUPPORTED} where no volume can be mounted: that takes root
     */
    void fillDisk();

    /** Makes room again. */
    void freeDisk();

    /** Undoes all of these. */
    void heal();
}
