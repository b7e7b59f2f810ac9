package dev.tenon.engine.postgresql;

import dev.tenon.api.Cidr;
import dev.tenon.spi.workload.Template;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * Who may connect from where. Rendered only from parsed address blocks; no text of a user reaches these files.
 *
 * @see <a href="https://www.postgresql.org/docs/current/auth-pg-hba-conf.html">PostgreSQL: pg_hba.conf</a>
 */
final class AccessFiles {
    /** The platform's own role: superuser, no password, only through the Unix socket. */
    static final String PLATFORM_ROLE = "tenon_platform";

    /** With it standbys follow: it may replicate and nothing else. */
    static final String REPLICATION_ROLE = "tenon_replication";

    private static final String MAP = "tenon";

    private AccessFiles() {}

    /** Renders who may connect; {@code members} may follow, over TLS only. */
    static Template hostBased(List<Cidr> whitelist, boolean encrypted, Set<String> members) {
        StringBuilder out = new StringBuilder("# Written by Tenon; what is changed here by hand is lost.\n");
        line(out, "local", "all", PLATFORM_ROLE, "", "peer map=" + MAP);
        // The keyword all does not mean replication: the control plane reads base backups through the socket.
        line(out, "local", "replication", PLATFORM_ROLE, "", "peer map=" + MAP);
        line(out, "local", "all", "all", "", "reject");
        line(out, "local", "replication", "all", "", "reject");
        // Before the whitelist: the platform's roles are never sessions over the network, whoever is on the list.
        line(out, "host", "all", PLATFORM_ROLE + "," + REPLICATION_ROLE, "all", "reject");
        for (Cidr block : whitelist) {
            line(out, encrypted ? "hostssl" : "host", "all", "all", block.toString(), "scram-sha-256");
        }
        line(out, "host", "all", "all", "all", "reject");
        List<Object> pieces = new ArrayList<>(List.of(out.toString()));
        for (String member : new TreeSet<>(members)) {
            pieces.add("hostssl replication " + REPLICATION_ROLE + " ");
            pieces.add(new Template.PeerSource(member));
            pieces.add(" scram-sha-256\n");
        }
        pieces.add("host replication all all reject\n");
        return Template.of(pieces.toArray());
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
