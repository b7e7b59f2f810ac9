package dev.tenon.testkit.store;

import dev.tenon.core.store.MemoryStore;
import dev.tenon.spi.store.StateStore;
import dev.tenon.testkit.contract.StateStoreContract;
import java.time.Duration;

final class MemoryStoreTest extends StateStoreContract {
    private final ManualClock clock = new ManualClock();

    @Override
    protected StateStore handle() {
        return new MemoryStore(clock);
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
