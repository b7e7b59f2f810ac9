package dev.tenon.core.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.InstanceId;
import dev.tenon.api.TenantId;
import dev.tenon.core.time.ManualTicker;
import dev.tenon.core.time.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class WorkQueueTest {
    private final ManualTicker ticker = new ManualTicker();
    private final WorkQueue queue = new WorkQueue(ticker);

    private static WorkQueue.Key key(char tenant, char instance) {
        return new WorkQueue.Key(
                new TenantId("t-" + String.valueOf(tenant).repeat(20)),
                new InstanceId("i-" + String.valueOf(tenant).repeat(19) + instance));
    }

    @Test
    void take_wokenOften_getsItOnce() throws InterruptedException {
        queue.wake(key('a', 'a'));
        queue.wake(key('a', 'a'));
        WorkQueue.Key taken = queue.take();
        assertThat(taken).isEqualTo(key('a', 'a'));
        queue.done(taken);
        assertThat(queue.idle()).isTrue();
    }

    @Test
    void done_wokenMeanwhile_isLookedAtOnceMore() throws InterruptedException {
        queue.wake(key('a', 'a'));
        WorkQueue.Key taken = queue.take();
        queue.wake(taken);
        queue.wake(taken);
        queue.wake(key('a', 'b'));
        assertThat(queue.take()).as("one worker at a time has an instance").isEqualTo(key('a', 'b'));
        queue.done(taken);
        assertThat(queue.take()).isEqualTo(taken);
        queue.done(taken);
        queue.done(key('a', 'b'));
        assertThat(queue.idle()).isTrue();
    }

    @Test
    void take_manyOfOneTenant_othersTakeTurns() throws InterruptedException {
        for (char i = 'a'; i < 'k'; i++) {
            queue.wake(key('a', i));
        }
        queue.wake(key('b', 'a'));
        queue.wake(key('b', 'b'));
        List<String> order = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            order.add(queue.take().tenant().value().substring(2, 3));
        }
        assertThat(order).containsExactly("a", "b", "a", "b");
    }

    @Test
    void wakeAfter_beforeItsTime_isNotTaken() throws InterruptedException {
        queue.wakeAfter(key('a', 'a'), Duration.ofSeconds(5).toNanos());
        assertThat(queue.idle()).isTrue();
        ticker.advance(Duration.ofSeconds(4));
        assertThat(queue.idle()).isTrue();
        ticker.advance(Duration.ofSeconds(1));
        assertThat(queue.take()).isEqualTo(key('a', 'a'));
    }

    @Test
    void wakeAfter_wokenAtOnce_isNotTakenTwice() throws InterruptedException {
        queue.wakeAfter(key('a', 'a'), Duration.ofSeconds(5).toNanos());
        queue.wake(key('a', 'a'));
        queue.done(queue.take());
        ticker.advance(Duration.ofSeconds(10));
        assertThat(queue.idle()).isTrue();
    }

    @Test
    void take_closed_returnsNothing() throws InterruptedException {
        queue.close();
        assertThat(queue.take()).isNull();
    }

    @Test
    void take_severalWait_timeWakesOneOfThem() throws InterruptedException {
        Ticker standing = new Ticker() {
            @Override
            public long nanos() {
                return ticker.nanos();
            }

            @Override
            public long waitFor(long nanos) {
                return Duration.ofHours(1).toNanos();
            }
        };
        WorkQueue rests = new WorkQueue(standing);
        List<Thread> workers = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            workers.add(new Thread(() -> takeAll(rests), "taker-" + i));
        }
        workers.forEach(Thread::start);
        rests.wakeAfter(key('a', 'a'), Duration.ofSeconds(5).toNanos());
        awaitWatching(workers, 1);

        rests.wakeAfter(key('a', 'b'), Duration.ofSeconds(1).toNanos());
        ticker.advance(Duration.ofSeconds(1));
        rests.wake(key('b', 'a'));
        while (!rests.idle()) {
            Thread.onSpinWait();
        }
        // Whoever watched for the later time may not have noticed yet that another does.
        awaitWatching(workers, 2);

        rests.close();
        for (Thread worker : workers) {
            worker.join();
        }
    }

    /** Waits until all rest, and at least one and at most so many of them until a time. */
    private static void awaitWatching(List<Thread> workers, int most) {
        long watching;
        long waiting;
        do {
            Thread.onSpinWait();
            watching = count(workers, Thread.State.TIMED_WAITING);
            waiting = count(workers, Thread.State.WAITING);
        } while (watching + waiting != workers.size() || watching < 1 || watching > most);
    }

    private static long count(List<Thread> workers, Thread.State state) {
        return workers.stream().filter(worker -> worker.getState() == state).count();
    }

    private static void takeAll(WorkQueue queue) {
        try {
            WorkQueue.Key key = queue.take();
            while (key != null) {
                queue.done(key);
                key = queue.take();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
