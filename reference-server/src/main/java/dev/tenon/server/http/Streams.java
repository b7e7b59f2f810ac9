package dev.tenon.server.http;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import dev.tenon.api.Subscription;
import io.javalin.http.Context;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.WriteListener;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Function;

/**
 * Server-sent events. No stream holds a thread, and a reader that is too slow loses its stream, not the control plane's time: it
 * comes back with {@code Last-Event-ID}. Thread-safe.
 */
public final class Streams implements AutoCloseable {
    private static final int MAX_STREAMS = 500;
    private static final int MAX_PER_CALLER = 50;
    private static final int MAX_QUEUED = 512;
    private static final Duration HEARTBEAT = Duration.ofSeconds(15);

    /** One reader. Calls never block. */
    public interface Stream {
        /**
         * Sends one event.
         *
         * @param id what the reader brings back as {@code Last-Event-ID}
         * @param type its type
         * @param json its data
         */
        void send(String id, String type, byte[] json);

        /** Ends the stream after what was sent. */
        void end();
    }

    private final Set<Open> open = ConcurrentHashMap.newKeySet();
    private volatile boolean closed;
    private final ScheduledExecutorService heartbeat = Executors.newSingleThreadScheduledExecutor(run -> {
        Thread thread = new Thread(run, "tenon-stream-heartbeat");
        thread.setDaemon(true);
        return thread;
    });

    /** Starts the heartbeat. */
    public Streams() {
        heartbeat.scheduleAtFixedRate(
                () -> open.forEach(Open::beat), HEARTBEAT.toSeconds(), HEARTBEAT.toSeconds(), TimeUnit.SECONDS);
    }

    /**
     * Answers a request with a stream.
     *
     * @param caller whose stream it is, to bound how many one caller has
     * @param alive whether it may go on; asked now and then
     * @param source begins to send; what it returns is closed with the stream
     */
    public void answer(Context ctx, String caller, BooleanSupplier alive, Function<Stream, Subscription> source) {
        if (closed) {
            throw new ProviderException(
                    ErrorCode.PROVIDER_UNAVAILABLE, "the server is stopping; come back with Last-Event-ID");
        }
        if (open.size() >= MAX_STREAMS
                || open.stream().filter(s -> s.caller.equals(caller)).count() >= MAX_PER_CALLER) {
            throw HttpProblem.tooManyRequests("too many open streams", Duration.ofSeconds(5));
        }
        ctx.contentType("text/event-stream");
        ctx.header("Cache-Control", "no-store");
        ctx.header("X-Accel-Buffering", "no");
        CompletableFuture<Void> done = new CompletableFuture<>();
        ctx.future(() -> {
            begin(ctx, caller, alive, source, done);
            return done;
        });
    }

    private void begin(
            Context ctx,
            String caller,
            BooleanSupplier alive,
            Function<Stream, Subscription> source,
            CompletableFuture<Void> done) {
        ctx.req().getAsyncContext().setTimeout(0);
        Open stream;
        try {
            stream = new Open(caller, alive, ctx.res().getOutputStream(), done);
        } catch (IOException e) {
            done.complete(null);
            return;
        }
        open.add(stream);
        if (closed) {
            stream.end();
        }
        // Javalin ends the future when the reader goes away.
        done.whenComplete((nothing, failure) -> stream.finish());
        stream.start();
        stream.raw(": begin\n\n");
        try {
            stream.attach(source.apply(stream));
        } catch (RuntimeException e) {
            stream.finish();
            throw e;
        }
    }

    /** Ends all streams; readers that come back at once are sent away. */
    @Override
    public void close() {
        closed = true;
        heartbeat.shutdownNow();
        open.forEach(Open::end);
    }

    private final class Open implements Stream, WriteListener {
        private final String caller;
        private final BooleanSupplier alive;
        private final ServletOutputStream out;
        private final CompletableFuture<Void> done;
        private final ReentrantLock lock = new ReentrantLock();
        private final Deque<byte[]> queue = new ArrayDeque<>();
        private Subscription subscription = () -> {};
        private boolean writable;
        private boolean unflushed;
        private boolean ending;
        private boolean finished;

        Open(String caller, BooleanSupplier alive, ServletOutputStream out, CompletableFuture<Void> done) {
            this.caller = caller;
            this.alive = alive;
            this.out = out;
            this.done = done;
        }

        void start() {
            out.setWriteListener(this);
        }

        void attach(Subscription source) {
            boolean late;
            lock.lock();
            try {
                subscription = source;
                late = finished;
            } finally {
                lock.unlock();
            }
            if (late) {
                source.close();
            }
        }

        @Override
        public void send(String id, String type, byte[] json) {
            raw("id: " + id + "\nevent: " + type + "\ndata: " + new String(json, StandardCharsets.UTF_8) + "\n\n");
        }

        void beat() {
            if (alive.getAsBoolean()) {
                raw(": beat\n\n");
            } else {
                end();
            }
        }

        void raw(String text) {
            boolean slow;
            lock.lock();
            try {
                if (finished || ending) {
                    return;
                }
                slow = queue.size() >= MAX_QUEUED;
                if (!slow) {
                    queue.add(text.getBytes(StandardCharsets.UTF_8));
                }
            } finally {
                lock.unlock();
            }
            if (slow) {
                finish();
            } else {
                drain();
            }
        }

        @Override
        public void end() {
            lock.lock();
            try {
                ending = true;
            } finally {
                lock.unlock();
            }
            drain();
        }

        @Override
        public void onWritePossible() {
            lock.lock();
            try {
                writable = true;
            } finally {
                lock.unlock();
            }
            drain();
        }

        @Override
        public void onError(Throwable t) {
            finish();
        }

        private void drain() {
            boolean over = false;
            lock.lock();
            try {
                while (writable && !finished && !over) {
                    if (!out.isReady()) {
                        writable = false;
                    } else if (!queue.isEmpty()) {
                        out.write(queue.remove());
                        unflushed = true;
                    } else if (unflushed) {
                        unflushed = false;
                        out.flush();
                    } else {
                        over = ending;
                        break;
                    }
                }
            } catch (IOException e) {
                over = true;
            } finally {
                lock.unlock();
            }
            if (over) {
                finish();
            }
        }

        void finish() {
            Subscription source;
            lock.lock();
            try {
                if (finished) {
                    return;
                }
                finished = true;
                queue.clear();
                source = subscription;
            } finally {
                lock.unlock();
            }
            open.remove(this);
            source.close();
            done.complete(null);
        }
    }

    /** Reads {@code Last-Event-ID}; -1 without one. */
    public static long lastEventId(Context ctx) {
        String header = ctx.header("Last-Event-ID");
        if (header == null || header.isEmpty()) {
            return -1;
        }
        if (!header.matches("\\d{1,18}")) {
            throw HttpProblem.invalid(ErrorCode.REQUEST_INVALID, "Last-Event-ID", "expected a whole number");
        }
        return Long.parseLong(header);
    }
}
