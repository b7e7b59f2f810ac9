package dev.tenon.engine.postgresql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.Secret;
import dev.tenon.spi.engine.ClientEndpoint;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.engine.EngineSession;
import dev.tenon.spi.engine.HandOver;
import java.sql.Connection;
import java.time.Duration;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class HandOverIT {
    private static final Secret PASSWORD = Secret.of("correct horse battery staple");

    private final PostgresqlEngine engine = new PostgresqlEngine();

    static Stream<String> versions() {
        return TestSoftware.versions();
    }

    @ParameterizedTest
    @MethodSource("versions")
    void handOver_ephemeral_ownerConnects(String version) throws Exception {
        handsOver(Requests.ephemeral(version).build(), "app", "app_owner");
    }

    @ParameterizedTest
    @MethodSource("versions")
    void handOver_ownNames_ownerConnects(String version) throws Exception {
        handsOver(Requests.durable(version).build(), "orders", "orders$admin");
    }

    private void handsOver(EngineRequest request, String database, String owner) throws Exception {
        try (TestServer server = TestServer.start(engine.workloads(request).get(0))) {
            for (int i = 0; i < 2; i++) {
                try (EngineSession session = engine.connect(request, server.admin(), Duration.ofSeconds(10))) {
                    session.handOver(new HandOver(database, owner, PASSWORD));
                }
            }
            var info = engine.connection(
                    request, new ClientEndpoint("127.0.0.1", server.port(), Optional.empty()), database, owner);
            try (Connection connection = info.dataSource().apply(PASSWORD).getConnection();
                    var statement = connection.createStatement();
                    var row = statement.executeQuery("SELECT current_user, current_database()")) {
                assertThat(row.next()).isTrue();
                assertThat(row.getString(1)).isEqualTo(owner);
                assertThat(row.getString(2)).isEqualTo(database);
            }
        }
    }
}
