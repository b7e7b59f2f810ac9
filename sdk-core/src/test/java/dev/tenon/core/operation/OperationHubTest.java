package dev.tenon.core.operation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.InstanceId;
import dev.tenon.api.OperationId;
import dev.tenon.api.OperationKind;
import dev.tenon.api.OperationState;
import dev.tenon.api.Subscription;
import dev.tenon.api.TenantId;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
final class OperationHubTest {
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");
    private static final OperationId ID = new OperationId("op-cccccccccccccccccccc");
    private static final Duration NEVER = Duration.ofHours(1);

    private final OperationHub hub = new OperationHub();
    private final AtomicReference<OperationDoc> stored = new AtomicReference<>(doc(1, OperationState.RUNNING));
    private final List<OperationState> seen = new CopyOnWriteArrayList<>();
    private final CountDownLatch called = new CountDownLatch(1);
    private final CountDownLatch gate = new CountDownLatch(1);

    @AfterEach
    void close() {
        gate.countDown();
        hub.close();
    }

    private static OperationDoc doc(long version, OperationState state) {
        return OperationDoc.builder()
                .id(ID)
                .tenant(new TenantId("t-aaaaaaaaaaaaaaaaaaaa"))
                .instance(new InstanceId("i-bbbbbbbbbbbbbbbbbbbb"))
                .kind(OperationKind.CREATE)
                .state(state)
                .requestedBy("test")
                .createdAt(NOW)
                .deadline(NOW)
                .version(version)
                .build();
    }

    private void write(long version, OperationState state) {
        stored.set(doc(version, state));
        hub.publish(stored.get());
    }

    /** Follows with a listener that stays in its first call until the gate opens. */
    private Subscription followSlowly() throws InterruptedException {
        Subscription following = hub.follow(ID, stored::get, NEVER, view -> {
            seen.add(view.state());
            called.countDown();
            pass(gate);
        });
        pass(called);
        return following;
    }

    private static void pass(CountDownLatch latch) {
        try {
            assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    private static Thread closing(AutoCloseable what) {
        Thread thread = new Thread(
                () -> {
                    try {
                        what.close();
                    } catch (Exception e) {
                        throw new AssertionError(e);
                    }
                },
                "test-closing");
        thread.start();
        while (thread.getState() != Thread.State.TIMED_WAITING && thread.isAlive()) {
            Thread.onSpinWait();
        }
        return thread;
    }

    @Test
    void close_operationIsDoneButTheListenerStillBusy_tellsTheEndFirst() throws InterruptedException {
        Subscription following = followSlowly();
        write(2, OperationState.SUCCEEDED);
        Thread closing = closing(following);
        assertThat(closing.isAlive()).as("waits for the listener").isTrue();
        gate.countDown();
        closing.join();
        assertThat(seen).containsExactly(OperationState.RUNNING, OperationState.SUCCEEDED);
    }

    @Test
    void close_endWasWrittenByAnotherProcess_tellsIt() throws InterruptedException {
        Subscription following = followSlowly();
        stored.set(doc(2, OperationState.FAILED));
        gate.countDown();
        following.close();
        assertThat(seen).containsExactly(OperationState.RUNNING, OperationState.FAILED);
    }

    @Test
    void close_operationGoesOn_tellsNothingMore() throws InterruptedException {
        Subscription following = followSlowly();
        Thread closing = closing(following);
        write(2, OperationState.RUNNING);
        gate.countDown();
        closing.join();
        write(3, OperationState.SUCCEEDED);
        following.close();
        assertThat(seen).containsExactly(OperationState.RUNNING);
    }

    @Test
    void close_byTheListenerItself_endsAtOnce() throws InterruptedException {
        AtomicReference<Subscription> own = new AtomicReference<>();
        CountDownLatch left = new CountDownLatch(1);
        own.set(hub.follow(ID, stored::get, NEVER, view -> {
            pass(gate);
            seen.add(view.state());
            own.get().close();
            left.countDown();
        }));
        write(2, OperationState.SUCCEEDED);
        gate.countDown();
        pass(left);
        own.get().close();
        assertThat(seen).hasSize(1);
    }

    @Test
    void follow_theSameViewAgain_tellsItOnce() throws InterruptedException {
        Subscription following = followSlowly();
        write(1, OperationState.RUNNING);
        write(2, OperationState.SUCCEEDED);
        write(2, OperationState.SUCCEEDED);
        gate.countDown();
        following.close();
        assertThat(seen).containsExactly(OperationState.RUNNING, OperationState.SUCCEEDED);
    }

    @Test
    void hub_closed_endsWhatFollows() throws InterruptedException {
        followSlowly();
        write(2, OperationState.CANCELLED);
        Thread closing = closing(hub);
        gate.countDown();
        closing.join();
        assertThat(seen).containsExactly(OperationState.RUNNING, OperationState.CANCELLED);
    }
}
