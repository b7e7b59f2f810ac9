package dev.tenon.baremetal.internal.ssh;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import org.apache.commons.pool2.BasePooledObjectFactory;
import org.apache.commons.pool2.PooledObject;
import org.apache.commons.pool2.impl.DefaultPooledObject;
import org.apache.commons.pool2.impl.GenericObjectPool;
import org.apache.commons.pool2.impl.GenericObjectPoolConfig;
import org.apache.sshd.client.SshClient;
import org.apache.sshd.client.channel.ChannelExec;
import org.apache.sshd.client.session.ClientSession;
import org.apache.sshd.common.AttributeRepository;
import org.apache.sshd.common.SshConstants;
import org.apache.sshd.common.SshException;
import org.apache.sshd.common.channel.exception.SshChannelOpenException;
import org.apache.sshd.common.config.keys.KeyUtils;
import org.jspecify.annotations.Nullable;

/**
 * One host's connections. Commands share few connections, each with several channels; a pool hands the channels out, so that a host
 * has no more of them than it allows, and callers beyond a bound are refused instead of queued. A host that cannot be reached is left
 * alone for a while: whoever asks meanwhile is refused at once. Thread-safe.
 */
public final class HostLink implements AutoCloseable {
    private static final int MOST_COMPLAINT = 64 << 10;
    private static final Duration LONGEST_REST = Duration.ofSeconds(30);

    private final SshClient client;
    private final Target target;
    private final Limits limits;
    private final LongSupplier nanos;
    private final GenericObjectPool<Connection> channels;
    private final List<Connection> connections = new ArrayList<>();
    private volatile @Nullable Rest rest;

    /** Until when a host is left alone, and why. */
    private record Rest(long until, Duration length, ErrorCode code, String why) {}

    /** One connection and how many channels of it the pool has handed out or keeps. */
    private record Connection(ClientSession session, AtomicInteger channels) {}

    /** Writes what a command reads. */
    @FunctionalInterface
    public interface Body {
        /** Writes all of it; the stream is closed afterwards. */
        void writeTo(OutputStream out) throws IOException;
    }

    HostLink(SshClient client, Target target, Limits limits, LongSupplier nanos) {
        this.client = client;
        this.target = target;
        this.limits = limits;
        this.nanos = nanos;
        GenericObjectPoolConfig<Connection> config = new GenericObjectPoolConfig<>();
        config.setMaxTotal(limits.channelsPerConnection() * limits.connections());
        config.setMaxIdle(config.getMaxTotal());
        config.setMaxWait(limits.patience());
        config.setTestOnBorrow(true);
        config.setTestOnReturn(true);
        config.setJmxEnabled(false);
        this.channels = new GenericObjectPool<>(new Channels(), config);
    }

    /** Returns whose link this is. */
    public Target target() {
        return target;
    }

    /** Shares connections between channels. */
    private final class Channels extends BasePooledObjectFactory<Connection> {
        @Override
        public Connection create() {
            synchronized (connections) {
                for (Connection connection : connections) {
                    if (connection.session().isOpen() && connection.channels().get() < limits.channelsPerConnection()) {
                        connection.channels().incrementAndGet();
                        return connection;
                    }
                }
                Connection fresh = new Connection(connect(), new AtomicInteger(1));
                connections.add(fresh);
                return fresh;
            }
        }

        @Override
        public PooledObject<Connection> wrap(Connection connection) {
            // The pool tells its objects apart by identity of the wrapped one; several channels share a connection.
            return new DefaultPooledObject<>(new Connection(connection.session(), connection.channels()));
        }

        @Override
        public boolean validateObject(PooledObject<Connection> pooled) {
            return pooled.getObject().session().isOpen();
        }

        @Override
        public void destroyObject(PooledObject<Connection> pooled) {
            Connection connection = pooled.getObject();
            if (connection.channels().decrementAndGet() == 0
                    || !connection.session().isOpen()) {
                synchronized (connections) {
                    connections.removeIf(c -> c.session().equals(connection.session()));
                }
                connection.session().close(true);
            }
        }
    }

    private ClientSession connect() {
        Rest resting = rest;
        if (resting != null && nanos.getAsLong() - resting.until() < 0) {
            throw new ProviderException(resting.code(), resting.why());
        }
        Links.Attempt attempt = new Links.Attempt(target.hostKeys(), new AtomicReference<>());
        ClientSession session = null;
        try {
            session = client.connect(
                            target.user(),
                            target.address(),
                            target.port(),
                            AttributeRepository.ofKeyValuePair(Links.Attempt.KEY, attempt))
                    .verify(limits.connect())
                    .getClientSession();
            for (KeyPair key : target.keys()) {
                session.addPublicKeyIdentity(key);
            }
            if (target.password().isPresent()) {
                String password = target.password().get().reveal(text -> text);
                session.addPasswordIdentity(password);
            }
            session.auth().verify(limits.connect());
            rest = null;
            return session;
        } catch (IOException e) {
            if (session != null) {
                session.close(true);
            }
            if (e instanceof InterruptedIOException || Thread.currentThread().isInterrupted()) {
                throw interrupted();
            }
            ProviderException failure = why(attempt, e);
            Duration length = resting == null
                    ? limits.rest()
                    : resting.length().multipliedBy(2).compareTo(LONGEST_REST) > 0
                            ? LONGEST_REST
                            : resting.length().multipliedBy(2);
            rest = new Rest(
                    nanos.getAsLong() + length.toNanos(), length, failure.code(), String.valueOf(failure.getMessage()));
            throw failure;
        }
    }

    private ProviderException why(Links.Attempt attempt, IOException e) {
        if (attempt.refused().get() != null) {
            return new ProviderException(
                    ErrorCode.HOST_KEY_MISMATCH,
                    "the host " + target + " shows the key "
                            + KeyUtils.getFingerPrint(attempt.refused().get())
                            + ", which is none of those pinned: "
                            + target.hostKeys().stream()
                                    .map(KeyUtils::getFingerPrint)
                                    .toList()
                            + ". Nothing was sent to it. If the host was set up anew, pin its new key; else somebody"
                            + " stands in between.",
                    e);
        }
        if (e instanceof SshException ssh
                && ssh.getDisconnectCode() == SshConstants.SSH2_DISCONNECT_KEY_EXCHANGE_FAILED) {
            return new ProviderException(
                    ErrorCode.HOST_KEY_MISMATCH,
                    "the host " + target + " has no key of the pinned kinds "
                            + target.hostKeys().stream()
                                    .map(KeyUtils::getKeyType)
                                    .toList() + ": " + e.getMessage(),
                    e);
        }
        if (e instanceof SshException ssh
                && ssh.getDisconnectCode() == SshConstants.SSH2_DISCONNECT_NO_MORE_AUTH_METHODS_AVAILABLE) {
            return new ProviderException(
                    ErrorCode.PROVIDER_FAILED,
                    "the host " + target + " does not let this user in with the key or password given",
                    e);
        }
        return new ProviderException(
                ErrorCode.PROVIDER_UNAVAILABLE, "the host " + target + " cannot be reached: " + e.getMessage(), e);
    }

    private static ProviderException interrupted() {
        Thread.currentThread().interrupt();
        return new ProviderException(ErrorCode.PROVIDER_UNAVAILABLE, "interrupted; the outcome is not known");
    }

    private Connection borrow() {
        if (channels.getNumWaiters() >= limits.waiting()) {
            throw new ProviderException(
                    ErrorCode.PROVIDER_UNAVAILABLE,
                    limits.waiting() + " callers wait for the host " + target + " already; it answers too slowly");
        }
        try {
            return channels.borrowObject();
        } catch (ProviderException e) {
            throw e;
        } catch (NoSuchElementException e) {
            throw new ProviderException(
                    ErrorCode.PROVIDER_UNAVAILABLE,
                    "no channel to the host " + target + " became free within " + limits.patience(),
                    e);
        } catch (InterruptedException e) {
            throw interrupted();
        } catch (Exception e) {
            throw new ProviderException(
                    ErrorCode.PROVIDER_UNAVAILABLE, "the host " + target + " cannot be reached: " + e, e);
        }
    }

    /**
     * Runs a command and waits for its end. The command is text that the host's shell reads: only constants belong there.
     *
     * @param most bytes of its output that are kept; what comes after them is dropped
     * @throws ProviderException {@code PROVIDER_UNAVAILABLE} if nothing was sent, {@code TIMEOUT} if it may go on,
     *     {@code HOST_KEY_MISMATCH}
     */
    public Answer run(String command, Body body, int most, Duration timeout) {
        Connection connection = borrow();
        try (ChannelExec channel = connection.session().createExecChannel(command)) {
            Sink output = new Sink(most);
            Sink complaint = new Sink(MOST_COMPLAINT);
            channel.setOut(output);
            channel.setErr(complaint);
            CompletableFuture<Boolean> closed = new CompletableFuture<>();
            channel.addCloseFutureListener(f -> closed.complete(true));
            channel.open().verify(limits.connect());
            try (OutputStream in = channel.getInvertedIn()) {
                body.writeTo(in);
            } catch (InterruptedIOException e) {
                throw interrupted();
            } catch (IOException e) {
                // It may have ended without reading everything; its exit status says why.
                channel.getSession().resetIdleTimeout();
            }
            closed.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
            Integer exit = channel.getExitStatus();
            return new Answer(
                    exit == null ? OptionalInt.empty() : OptionalInt.of(exit),
                    output.toByteArray(),
                    new String(complaint.toByteArray(), StandardCharsets.UTF_8).strip());
        } catch (TimeoutException e) {
            throw new ProviderException(
                    ErrorCode.TIMEOUT, "the host " + target + " did not finish within " + timeout, e);
        } catch (InterruptedException | InterruptedIOException e) {
            throw interrupted();
        } catch (IOException | ExecutionException e) {
            return new Answer(OptionalInt.empty(), new byte[0], String.valueOf(e.getMessage()));
        } finally {
            channels.returnObject(connection);
        }
    }

    /**
     * Starts a command whose output is read as it comes. Takes a channel until it is closed.
     *
     * @throws ProviderException as {@link #run}
     */
    public Stream stream(String command, Body body) {
        return open(connection -> {
            ChannelExec channel = exec(connection, command, body);
            channel.getInvertedIn().close();
            return channel;
        });
    }

    /**
     * Starts a command that goes on reading what is written to it after the beginning. Takes a channel until it is closed.
     *
     * @throws ProviderException as {@link #run}
     */
    public Stream talk(String command, Body beginning) {
        return open(connection -> {
            ChannelExec channel = exec(connection, command, beginning);
            channel.getInvertedIn().flush();
            return channel;
        });
    }

    private ChannelExec exec(Connection connection, String command, Body body) throws IOException {
        ChannelExec channel = connection.session().createExecChannel(command);
        channel.setErr(new Sink(0));
        channel.open().verify(limits.connect());
        body.writeTo(channel.getInvertedIn());
        return channel;
    }

    /**
     * Returns whether the host's SSH server has connections to Unix sockets at all; whether it allows them shows only when one that
     * listens is asked for.
     *
     * @throws ProviderException {@code PROVIDER_UNAVAILABLE} if it does not answer
     */
    public boolean hasUnixSockets() {
        try (Stream unexpected = unixSocket("/nonexistent")) {
            return unexpected.channel.isOpen();
        } catch (ProviderException e) {
            for (Throwable cause = e; cause != null; cause = cause.getCause()) {
                if (cause instanceof SshChannelOpenException refused) {
                    return refused.getReasonCode() != SshConstants.SSH_OPEN_UNKNOWN_CHANNEL_TYPE;
                }
            }
            throw e;
        }
    }

    /**
     * Connects to a Unix socket on the host, as the user who logged in.
     *
     * @throws ProviderException {@code PROVIDER_UNAVAILABLE} if nobody listens or the host does not allow it
     */
    public Stream unixSocket(String path) {
        return open(connection -> {
            UnixSocketChannel channel = new UnixSocketChannel(path);
            connection
                    .session()
                    .getService(org.apache.sshd.common.session.ConnectionService.class)
                    .registerChannel(channel);
            channel.open().verify(limits.connect());
            return channel;
        });
    }

    @FunctionalInterface
    private interface Opening {
        org.apache.sshd.client.channel.ClientChannel open(Connection connection) throws IOException;
    }

    private Stream open(Opening opening) {
        Connection connection = borrow();
        try {
            return new Stream(opening.open(connection), () -> channels.returnObject(connection));
        } catch (IOException e) {
            channels.returnObject(connection);
            if (e instanceof InterruptedIOException) {
                throw interrupted();
            }
            throw new ProviderException(
                    ErrorCode.PROVIDER_UNAVAILABLE, "the host " + target + " opens no channel: " + e.getMessage(), e);
        } catch (RuntimeException e) {
            channels.returnObject(connection);
            throw e;
        }
    }

    /** A channel in both directions. */
    public static final class Stream implements AutoCloseable {
        private final org.apache.sshd.client.channel.ClientChannel channel;
        private final CompletableFuture<Boolean> closed = new CompletableFuture<>();

        Stream(org.apache.sshd.client.channel.ClientChannel channel, Runnable giveBack) {
            this.channel = channel;
            channel.addCloseFutureListener(f -> {
                if (closed.complete(true)) {
                    giveBack.run();
                }
            });
        }

        /** Returns what the other side sends. */
        public InputStream in() {
            return channel.getInvertedOut();
        }

        /** Returns where to write. */
        public OutputStream out() {
            return channel.getInvertedIn();
        }

        @Override
        public void close() {
            channel.close(true);
        }
    }

    /** Keeps what fits. */
    private static final class Sink extends ByteArrayOutputStream {
        private final int most;

        Sink(int most) {
            this.most = most;
        }

        @Override
        public synchronized void write(int b) {
            if (count < most) {
                super.write(b);
            }
        }

        @Override
        public synchronized void write(byte[] bytes, int offset, int length) {
            super.write(bytes, offset, Math.min(length, most - count));
        }
    }

    /** Cuts every connection without asking; the next use connects anew. */
    public void cut() {
        List<Connection> open;
        synchronized (connections) {
            open = List.copyOf(connections);
            connections.clear();
        }
        open.forEach(c -> c.session().close(true));
        channels.clear();
    }

    @Override
    public void close() {
        channels.close();
        cut();
    }
}
