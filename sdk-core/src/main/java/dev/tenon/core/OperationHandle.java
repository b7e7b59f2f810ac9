package dev.tenon.core;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.NotFoundException;
import dev.tenon.api.Operation;
import dev.tenon.api.OperationFailedException;
import dev.tenon.api.OperationId;
import dev.tenon.api.OperationState;
import dev.tenon.api.OperationTimeoutException;
import dev.tenon.api.OperationView;
import dev.tenon.api.Subscription;
import dev.tenon.api.TenantId;
import dev.tenon.core.operation.OperationDoc;
import dev.tenon.core.time.Ticker;
import java.time.Duration;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One operation. Waiting is by notification; the store is asked now and then only because another process may carry it out. */
final class OperationHandle<T> implements Operation<T> {
    private static final Logger log = LoggerFactory.getLogger(OperationHandle.class);
    private static final Duration POLL_SHARED = Duration.ofMillis(200);
    private static final Duration POLL = Duration.ofSeconds(2);
    private static final int BACKLOG = 256;

    private final ControlPlane plane;
    private final OperationId id;
    private final TenantId tenant;
    private final Supplier<T> result;
    private final Ticker ticker = Ticker.system();

    OperationHandle(ControlPlane plane, OperationId id, TenantId tenant, Supplier<T> result) {
        this.plane = plane;
        this.id = id;
        this.tenant = tenant;
        this.result = result;
    }

    @Override
    public OperationId id() {
        return id;
    }

    @Override
    public OperationView view() {
        return doc().view();
    }

    private OperationDoc doc() {
        return plane.journal
                .operation(id)
                .filter(doc -> doc.tenant().equals(tenant))
                .orElseThrow(() -> new NotFoundException("no such operation"));
    }

    @Override
    public T await(Duration timeout) {
        long end = ticker.nanos() + timeout.toNanos();
        BlockingQueue<OperationDoc> news = new ArrayBlockingQueue<>(BACKLOG);
        // One that does not fit is made up for by the poll.
        try (Subscription listening = plane.operations.listen(id, doc -> {
            if (settled(doc)) {
                boolean told = news.offer(doc);
                log.trace("told {}", told);
            }
        })) {
            OperationDoc doc = doc();
            while (!settled(doc)) {
                long left = end - ticker.nanos();
                if (left <= 0) {
                    throw new OperationTimeoutException(
                            id, doc.kind() + " is " + doc.state() + " after " + timeout + "; it goes on");
                }
                OperationDoc told = news.poll(Math.min(left, poll().toNanos()), TimeUnit.NANOSECONDS);
                doc = told == null ? doc() : told;
            }
            return outcome(doc);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new OperationTimeoutException(id, "the wait was interrupted; the operation goes on");
        }
    }

    private static boolean settled(OperationDoc doc) {
        return doc.state().done() || doc.state() == OperationState.PARKED;
    }

    private T outcome(OperationDoc doc) {
        if (doc.state() != OperationState.SUCCEEDED) {
            throw new OperationFailedException(
                    id,
                    doc.error().orElse(ErrorCode.CANCELLED),
                    doc.kind() + " is " + doc.state() + ": " + doc.message().orElse("no reason is known"));
        }
        return result.get();
    }

    @Override
    public boolean cancel() {
        plane.requireOpen();
        doc();
        return plane.submitter.cancel(id);
    }

    @Override
    public void retry() {
        plane.requireOpen();
        doc();
        plane.submitter.retry(id);
    }

    @Override
    public Subscription follow(Consumer<OperationView> listener) {
        return plane.operations.follow(id, this::doc, poll(), listener);
    }

    private Duration poll() {
        return plane.store.shared() ? POLL_SHARED : POLL;
    }
}
