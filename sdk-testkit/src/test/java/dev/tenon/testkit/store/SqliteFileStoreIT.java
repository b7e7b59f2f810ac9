package dev.tenon.testkit.store;

import dev.tenon.core.store.SqliteStore;
import dev.tenon.spi.store.StateStore;
import dev.tenon.testkit.contract.StateStoreContract;
import dev.tenon.testkit.contract.StoreAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.junit.jupiter.api.io.TempDir;

final class SqliteFileStoreIT extends StateStoreContract {
    private final ManualClock clock = new ManualClock();

    @TempDir
    Path directory;

    @Override
    protected StateStore handle() {
        return SqliteStore.file(file(), clock);
    }

    @Override
    protected void passTime(Duration time) {
        clock.pass(time);
    }

    @Override
    protected Optional<StoreAddress> address() {
        return Optional.of(new StoreAddress(Opener.class, List.of(file().toString())));
    }

    private Path file() {
        return directory.resolve("state").resolve("tenon.db");
    }

    /** Opens the file in another process. */
    public static final class Opener implements Function<List<String>, StateStore> {
        @Override
        public StateStore apply(List<String> arguments) {
            return SqliteStore.file(Path.of(arguments.get(0)));
        }
    }
}
