package dev.tenon.testkit.store;

import dev.tenon.api.Secret;
import dev.tenon.core.store.PostgresStore;
import dev.tenon.spi.store.StateStore;
import dev.tenon.testkit.contract.StateStoreContract;
import dev.tenon.testkit.contract.StoreAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

final class PostgresStoreIT extends StateStoreContract {
    private static TestPostgres server;

    private String url = "";

    @BeforeAll
    static void startServer() throws Exception {
        server = TestPostgres.start();
    }

    @AfterAll
    static void stopServer() throws Exception {
        server.close();
    }

    @Override
    protected StateStore handle() {
        if (url.isEmpty()) {
            url = server.newSchema();
        }
        return PostgresStore.connect(url, TestPostgres.USER, server.password());
    }

    @Override
    protected void passTime(Duration time) {
        StateStore clock = handle();
        clock.open();
        try (clock) {
            Instant end = clock.now().plus(time);
            while (clock.now().isBefore(end)) {
                LockSupport.parkNanos(1_000_000);
            }
        }
    }

    @Override
    protected Optional<StoreAddress> address() {
        return Optional.of(
                new StoreAddress(Opener.class, List.of(url, server.password().reveal(Function.identity()))));
    }

    /** Opens the same schema in another process. */
    public static final class Opener implements Function<List<String>, StateStore> {
        @Override
        public StateStore apply(List<String> arguments) {
            return PostgresStore.connect(arguments.get(0), TestPostgres.USER, Secret.of(arguments.get(1)));
        }
    }
}
