package dev.tenon.baremetal.internal.ssh;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.PublicKey;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.sshd.common.config.keys.KeyUtils;
import org.apache.sshd.common.keyprovider.KeyPairProvider;
import org.apache.sshd.server.Environment;
import org.apache.sshd.server.ExitCallback;
import org.apache.sshd.server.SshServer;
import org.apache.sshd.server.channel.ChannelSession;
import org.apache.sshd.server.command.Command;

/** An SSH server in this process whose commands are what the test says. */
final class FakeHost implements AutoCloseable {
    static final String USER = "operator";
    static final String PASSWORD = "Pass-7f3a";

    final SshServer server = SshServer.setUpDefaultServer();
    final AtomicInteger logins = new AtomicInteger();
    final CountDownLatch never = new CountDownLatch(1);
    private final Map<String, Script> scripts = new ConcurrentHashMap<>();

    /** What a command does. */
    @FunctionalInterface
    interface Script {
        int run(InputStream in, OutputStream out) throws Exception;
    }

    FakeHost(KeyPair... hostKeys) throws IOException {
        this(0, hostKeys);
    }

    FakeHost(int port, KeyPair... hostKeys) throws IOException {
        server.setPort(port);
        server.setHost("127.0.0.1");
        server.setKeyPairProvider(KeyPairProvider.wrap(hostKeys));
        server.setPasswordAuthenticator((user, password, session) -> {
            logins.incrementAndGet();
            return user.equals(USER) && password.equals(PASSWORD);
        });
        server.setCommandFactory((channel, command) -> new Scripted(scripts.get(command)));
        server.start();
    }

    static KeyPair key(String type, int size) {
        try {
            return KeyUtils.generateKeyPair(type, size);
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    FakeHost on(String command, Script script) {
        scripts.put(command, script);
        return this;
    }

    Target target(PublicKey... pinned) {
        return new Target(
                "fake",
                "127.0.0.1",
                server.getPort(),
                USER,
                List.of(),
                Optional.of(dev.tenon.api.Secret.of(PASSWORD)),
                List.of(pinned));
    }

    @Override
    public void close() throws IOException {
        never.countDown();
        server.stop(true);
    }

    private static final class Scripted implements Command, Runnable {
        private final Script script;
        private InputStream in;
        private OutputStream out;
        private OutputStream err;
        private ExitCallback exit;

        Scripted(Script script) {
            this.script = script;
        }

        @Override
        public void setInputStream(InputStream stream) {
            in = stream;
        }

        @Override
        public void setOutputStream(OutputStream stream) {
            out = stream;
        }

        @Override
        public void setErrorStream(OutputStream stream) {
            err = stream;
        }

        @Override
        public void setExitCallback(ExitCallback callback) {
            exit = callback;
        }

        @Override
        public void start(ChannelSession channel, Environment environment) {
            Thread thread = new Thread(this, "fake-host-command");
            thread.setDaemon(true);
            thread.start();
        }

        @Override
        public void run() {
            try {
                int status = script.run(in, out);
                out.flush();
                exit.onExit(status);
            } catch (Exception e) {
                try {
                    err.write(e.toString().getBytes(StandardCharsets.UTF_8));
                    err.flush();
                } catch (IOException lost) {
                    e.addSuppressed(lost);
                }
                exit.onExit(1, e.toString());
            }
        }

        @Override
        public void destroy(ChannelSession channel) {}
    }
}
