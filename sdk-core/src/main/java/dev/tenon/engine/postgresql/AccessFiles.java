package dev.tenon.engine.postgresql;

import dev.tenon.api.Cidr;
import dev.tenon.spi.workload.Template;
import java.util.List;

/**
 * Who may connect from where. Rendered only from parsed address blocks; no text of a user reaches these files.
 *
 * @see <a href="https://www.postgresql.org/docs/current/auth-pg-hba-conf.html">PostgreSQL: pg_hba.conf</a>
 */
final class AccessFiles {
    /** The platform's own role: superuser, no password, only through the Unix socket. */
    static final String PLATFORM_ROLE = "tenon_platform";

    private static final String MAP = "tenon";

    private AccessFiles() {}

    static String hostBased(List<Cidr> whitelist, boolean encrypted) {
        StringBuilder out = new StringBuilder("# Written by Tenon; what is changed here by hand is lost.\n");
        line(out, "local", "all", PLATFORM_ROLE, "", "peer map=" + MAP);
        // The keyword all does not mean replication: the control plane reads base backups through the socket.
        line(out, "local", "replication", PLATFORM_ROLE, "", "peer map=" + MAP);
        line(out, "local", "all", "all", "", "reject");
        line(out, "local", "replication", "all", "", "reject");
        // Before the whitelist: the platform's role is never reached over the network, whoever is on the list.
        line(out, "host", "all", PLATFORM_ROLE, "all", "reject");
        for (Cidr block : whitelist) {
            line(out, encrypted ? "hostssl" : "host", "all", "all", block.toString(), "scram-sha-256");
        }
        line(out, "host", "all", "all", "all", "reject");
        line(out, "host", "replication", "all", "all", "reject");
        return out.toString();
    }

    /** The operating system says who connects through the socket: the control plane, or the member's own user. */
    static Template identities() {
        return Template.of(
                "# Written by Tenon; what is changed here by hand is lost.\n" + MAP + " \"",
                new Template.OperatorUser(),
                "\" " + PLATFORM_ROLE + "\n" + MAP + " \"",
                new Template.RunAsUser(),
                "\" " + PLATFORM_ROLE + "\n");
    }

    private static void line(
            StringBuilder out, String type, String database, String user, String address, String method) {
        out.append(type).append(' ').append(database).append(' ').append(user).append(' ');
        if (!address.isEmpty()) {
            out.append(address).append(' ');
        }
        out.append(method).append('\n');
    }
}
