package dev.tenon.core.store;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One thread that applies the changes of all threads, as many in one transaction as came while the last one was written. A change alone
 * waits for nobody; many share one flush of the disk.
 *
 * <p>Each change has its own savepoint, so one that is refused leaves the others as they were. Nobody hears of an outcome, not even of a
 * refusal, before the transaction it was seen in is durable.
 */
final class GroupWriter implements AutoCloseable {
    /** A change. May throw {@link dev.tenon.spi.store.CommitRefusedException}. */
    @FunctionalInterface
    interface Change<T> {
        T apply(Session session) throws SQLException;
    }

    /** What is done in one transaction. */
    @FunctionalInterface
    interface Body {
        void run(Session session) throws SQLException;
    }

    /** Where transactions come from. */
    interface Source {
        /** Runs the body in a transaction that is durable on return, and not there at all if this throws before the commit. */
        void transaction(Body body) throws SQLException;

        /** Says what went wrong, as the callers shall see it. */
        ProviderException failure(Throwable cause);
    }

    private static final Logger log = LoggerFactory.getLogger(GroupWriter.class);
    private static final int MAX_QUEUED = 4_096;
    private static final int MAX_GROUP = 512;
    private static final long PATIENCE_SECONDS = 60;

    private static final class Task<T> {
        final Change<T> change;
        final Consumer<T> committed;
        final CompletableFuture<T> outcome = new CompletableFuture<>();
        private @Nullable T value;
        private @Nullable Throwable refusal;

        Task(Change<T> change, Consumer<T> committed) {
            this.change = change;
            this.committed = committed;
        }

        void run(Session session) throws SQLException {
            value = change.apply(session);
        }

        void refuse(Throwable cause) {
            refusal = cause;
        }

        @SuppressWarnings("NullAway") // a change that was applied has its value
        void publish() {
            if (refusal != null) {
                outcome.completeExceptionally(refusal);
                return;
            }
            try {
                committed.accept(value);
            } finally {
                outcome.complete(value);
            }
        }
    }

    private final BlockingQueue<Task<?>> queue = new ArrayBlockingQueue<>(MAX_QUEUED);
    private final Task<Boolean> stop = new Task<>(session -> true, done -> {});
    private final Source source;
    private final Runnable unknown;
    private final Thread thread;
    private volatile boolean stopped;

    /**
     * Starts the thread.
     *
     * @param unknown called when a transaction failed, so that it is not known what is committed
     */
    GroupWriter(String name, Source source, Runnable unknown) {
        this.source = source;
        this.unknown = unknown;
        thread = new Thread(this::run, "tenon-store-writer-" + name);
        thread.setDaemon(true);
        thread.start();
    }

    <T> T apply(Change<T> change) {
        return apply(change, done -> {});
    }

    /**
     * Applies a change and returns when it is durable. Not interruptible: a caller that left early would not know the outcome.
     *
     * @param committed told of the outcome in the order of commits, before this returns
     */
    <T> T apply(Change<T> change, Consumer<T> committed) {
        Task<T> task = new Task<>(change, committed);
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    if (!queue.offer(task, PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                        throw new ProviderException(
                                ErrorCode.STORE_UNAVAILABLE,
                                "the store's disk does not keep up: " + MAX_QUEUED
                                        + " changes wait; nothing was changed");
                    }
                    break;
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (stopped) {
                failQueued();
            }
            while (true) {
                try {
                    return task.outcome.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
                } catch (InterruptedException e) {
                    interrupted = true;
                } catch (TimeoutException e) {
                    throw new ProviderException(
                            ErrorCode.STORE_UNAVAILABLE,
                            "the store's disk did not answer for " + PATIENCE_SECONDS
                                    + " s; whether the change was made is not known");
                } catch (ExecutionException e) {
                    throw rethrown(e.getCause());
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static RuntimeException rethrown(@Nullable Throwable cause) {
        if (cause instanceof ProviderException failure) {
            return new ProviderException(failure.code(), String.valueOf(failure.getMessage()), failure);
        }
        if (cause instanceof RuntimeException refusal) {
            return refusal;
        }
        return new IllegalStateException(cause);
    }

    private void run() {
        List<Task<?>> group = new ArrayList<>(MAX_GROUP);
        boolean last = false;
        while (!last) {
            try {
                group.add(queue.take());
            } catch (InterruptedException e) {
                continue; // nobody may interrupt this thread; it ends by its stop task
            }
            queue.drainTo(group, MAX_GROUP - 1);
            last = group.remove(stop);
            if (!group.isEmpty()) {
                write(group);
            }
            group.clear();
        }
        stopped = true;
        failQueued();
        stop.outcome.complete(true);
    }

    private void failQueued() {
        List<Task<?>> late = new ArrayList<>();
        queue.drainTo(late);
        for (Task<?> task : late) {
            task.outcome.completeExceptionally(closed());
        }
    }

    static ProviderException closed() {
        return new ProviderException(ErrorCode.STORE_UNAVAILABLE, "the store is closed");
    }

    // Whatever happens, every caller gets an answer and the thread goes on.
    private void write(List<Task<?>> group) {
        try {
            source.transaction(session -> {
                for (Task<?> task : group) {
                    runInSavepoint(session, task);
                }
            });
        } catch (Throwable e) {
            ProviderException failure = source.failure(e);
            unknown.run();
            log.warn("a group of {} changes was not written", group.size(), e);
            for (Task<?> task : group) {
                task.outcome.completeExceptionally(failure);
            }
            return;
        }
        for (Task<?> task : group) {
            try {
                task.publish();
            } catch (Throwable e) {
                log.error("a durable change was not taken note of; what was read before is read again", e);
                unknown.run();
            }
        }
    }

    private static void runInSavepoint(Session session, Task<?> task) throws SQLException {
        session.execute("SAVEPOINT change");
        try {
            task.run(session);
        } catch (RuntimeException e) {
            task.refuse(e);
            session.execute("ROLLBACK TO change");
        }
        session.execute("RELEASE change");
    }

    /** Ends the thread after what is queued. */
    @Override
    public void close() {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                if (!stopped && !queue.contains(stop)) {
                    queue.put(stop);
                }
                thread.join(100);
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
