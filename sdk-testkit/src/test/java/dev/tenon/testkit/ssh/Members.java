package dev.tenon.testkit.ssh;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.DataSize;
import dev.tenon.api.Instance;
import dev.tenon.api.InstanceId;
import dev.tenon.api.Resources;
import dev.tenon.api.TenantId;
import dev.tenon.api.Topology;
import dev.tenon.engine.postgresql.PostgresqlEngine;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.workload.MemberWorkload;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Callable;
import org.awaitility.Awaitility;

/** What tests of single members need. */
final class Members {
    private Members() {}

    /** The only member of a small instance, whose id is made of a letter. */
    static MemberWorkload of(String letter) {
        return new PostgresqlEngine()
                .workloads(EngineRequest.builder()
                        .tenant(new TenantId("t-aaaaaaaaaaaaaaaaaaaa"))
                        .instance(new InstanceId("i-" + letter.repeat(20)))
                        .name("single")
                        .version("17")
                        .topology(Topology.single())
                        .resources(Resources.of(0.1, DataSize.mib(256), DataSize.mib(256)))
                        .parameters(Map.of())
                        .secrets(Map.of())
                        .ephemeral(false)
                        .build())
                .get(0);
    }

    /** Asks an instance for one number. */
    static int ask(Instance instance, String sql) throws SQLException {
        try (Connection c = instance.dataSource().getConnection();
                Statement s = c.createStatement();
                ResultSet r = s.executeQuery(sql)) {
            assertThat(r.next()).isTrue();
            return r.getInt(1);
        }
    }

    static void execute(Instance instance, String sql) throws SQLException {
        try (Connection c = instance.dataSource().getConnection();
                Statement s = c.createStatement()) {
            s.execute(sql);
        }
    }

    /** Looks again and again until something holds. */
    static void within(Duration patience, String what, Callable<Boolean> condition) {
        Awaitility.await(what)
                .atMost(patience)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(50))
                .pollInSameThread()
                .until(condition);
    }
}
