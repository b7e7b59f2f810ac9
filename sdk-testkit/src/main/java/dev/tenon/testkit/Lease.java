package dev.tenon.testkit;

import dev.tenon.api.Secret;
import java.time.Duration;

/** One database that is ours until closed, wherever its server is looked after. Safe for one caller at a time. */
interface Lease extends AutoCloseable {
    /**
     * Where the database is.
     *
     * @param host address
     * @param port number
     * @param database name
     * @param user its owner
     * @param password of the owner
     */
    record Address(String host, int port, String database, String user, Secret password) {
        /** The URL without what lets one in. */
        String openUrl() {
            return "jdbc:postgresql://" + host + ":" + port + "/" + database + "?sslmode=disable";
        }

        /** All characters of user and password are ours and need no escaping. */
        String url() {
            return openUrl() + "&user=" + user + "&password=" + password.reveal(text -> text);
        }

        Address at(String otherHost, int otherPort) {
            return new Address(otherHost, otherPort, database, user, password);
        }
    }

    /** Returns where it is; the same for the whole lease. */
    Address address();

    /** Ends its sessions and makes its content the template's. */
    void reset();

    /** Ends its sessions and leases a copy of it as it is now. */
    Lease branch();

    /** Ends its sessions and returns the name of a copy that lasts as long as this lease. */
    String snapshot();

    /** Ends its sessions and makes its content that of the copy. */
    void restore(String snapshot);

    /** Lets the database live on for so long after the lease was closed, and returns how to get in. */
    String keep(Duration time);

    /** Gives it back; it is dropped soon. */
    @Override
    void close();
}
