package dev.tenon.testkit.store;

import dev.tenon.core.store.SqliteStore;
import dev.tenon.spi.store.StateStore;
import dev.tenon.testkit.contract.StateStoreContract;
import java.time.Duration;

final class SqliteMemoryStoreTest extends StateStoreContract {
    private final ManualClock clock = new ManualClock();

    @Override
    protected StateStore handle() {
        return SqliteStore.inMemory(clock);
    }

    @Override
    protected void passTime(Duration time) {
        clock.pass(time);
    }

    @Override
    protected boolean durable() {
        return false;
    }
}
