package dev.tenon.engine.postgresql;

import dev.tenon.api.Secret;
import dev.tenon.core.pki.PrivateAuthority;
import dev.tenon.spi.engine.ClientEndpoint;
import dev.tenon.spi.engine.ConnectionInfo;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.engine.EngineSession;
import dev.tenon.spi.engine.HandOver;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;

/** A running instance that was handed over, as a tenant meets it. */
final class Delivered implements AutoCloseable {
    static final Secret PASSWORD = Secret.of("correct horse battery staple");
    static final String DATABASE = "orders";
    static final String OWNER = "orders_admin";

    final PostgresqlEngine engine = new PostgresqlEngine();
    final EngineRequest request;
    final TestServer server;

    private Delivered(EngineRequest request) {
        this.request = request;
        this.server = TestServer.start(engine.workloads(request).get(0));
        try (EngineSession session = session()) {
            session.handOver(new HandOver(DATABASE, OWNER, PASSWORD));
        }
    }

    static Delivered encrypted(String version) {
        return of(Requests.durable(version)
                .tls(PrivateAuthority.inMemory(Clock.systemUTC())
                        .issue(Requests.INSTANCE, Set.of("localhost"), Set.of("127.0.0.1")))
                .build());
    }

    static Delivered of(EngineRequest request) {
        return new Delivered(request);
    }

    EngineSession session() {
        return engine.connect(request, server.admin(), Duration.ofSeconds(20));
    }

    ConnectionInfo info(String database, String user) {
        return engine.connection(
                request, new ClientEndpoint("127.0.0.1", server.port(), Optional.empty()), database, user);
    }

    Connection connect(String database, String user, Secret password) throws SQLException {
        return info(database, user).dataSource().apply(password).getConnection();
    }

    Connection owner() throws SQLException {
        return connect(DATABASE, OWNER, PASSWORD);
    }

    @Override
    public void close() {
        server.close();
    }
}
