package dev.tenon.baremetal.internal.ssh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.Secret;
import dev.tenon.api.TenonException;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.sshd.common.config.keys.PublicKeyEntry;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The link against an SSH server in this process: who the host is, what is bounded, what a loss looks like. */
class HostLinkTest {
    private static final KeyPair ED25519 = FakeHost.key("ssh-ed25519", 256);
    private static final KeyPair ECDSA = FakeHost.key("ecdsa-sha2-nistp256", 256);
    private static final Duration SHORT = Duration.ofMillis(300);
    private static final Limits LIMITS =
            new Limits(Duration.ofSeconds(5), SHORT, Duration.ofMillis(200), Duration.ofSeconds(1), 2, 2, 3);

    private final AtomicLong nanos = new AtomicLong();
    private Links links;
    private FakeHost host;

    @BeforeEach
    void open() throws Exception {
        links = new Links("test", LIMITS, nanos::get);
        host = new FakeHost(ED25519, ECDSA);
        host.on("echo", (in, out) -> {
            for (int b = in.read(); b >= 0; b = in.read()) {
                out.write(b);
                out.flush();
            }
            return 7;
        });
        host.on("wait", (in, out) -> host.never.await(30, TimeUnit.SECONDS) ? 0 : 1);
    }

    @AfterEach
    void close() throws Exception {
        links.close();
        host.close();
    }

    private static Answer echo(HostLink link) {
        return link.run(
                "echo", out -> out.write("a b;c\n".getBytes(StandardCharsets.UTF_8)), 100, Duration.ofSeconds(5));
    }

    private static void refused(ErrorCode code, String words, ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOfSatisfying(TenonException.class, e -> {
            assertThat(e.code()).isEqualTo(code);
            assertThat(e.getMessage()).contains(words);
        });
    }

    @Test
    void run_pinnedKeyOfEitherKind_answersWithOutputAndStatus() {
        for (KeyPair pinned : List.of(ED25519, ECDSA)) {
            try (HostLink link = links.to(host.target(pinned.getPublic()))) {
                Answer answer = echo(link);
                assertThat(answer.exit()).hasValue(7);
                assertThat(answer.text()).isEqualTo("a b;c\n");
            }
        }
    }

    @Test
    void run_anotherKeyOfTheSameKind_isRefusedBeforeAnySecretIsSent() {
        KeyPair other = FakeHost.key("ssh-ed25519", 256);
        try (HostLink link = links.to(host.target(other.getPublic()))) {
            refused(ErrorCode.HOST_KEY_MISMATCH, "none of those pinned", () -> echo(link));
            assertThat(host.logins).hasValue(0);
        }
    }

    @Test
    void run_hostWithoutAKeyOfThePinnedKind_isRefused() {
        KeyPair other = FakeHost.key("ssh-rsa", 2048);
        try (HostLink link = links.to(host.target(other.getPublic()))) {
            refused(ErrorCode.HOST_KEY_MISMATCH, "no key of the pinned kinds", () -> echo(link));
            assertThat(host.logins).hasValue(0);
        }
    }

    @Test
    void run_nothingPinned_isRefused() {
        try (HostLink link = links.to(host.target())) {
            refused(ErrorCode.HOST_KEY_MISMATCH, "none of those pinned", () -> echo(link));
        }
    }

    @Test
    void run_wrongPassword_saysSoWithoutIt() {
        Target right = host.target(ED25519.getPublic());
        Target wrong = new Target(
                right.name(),
                right.address(),
                right.port(),
                right.user(),
                List.of(),
                Optional.of(Secret.of("Wrong-1b2c")),
                right.hostKeys());
        try (HostLink link = links.to(wrong)) {
            assertThatThrownBy(() -> echo(link)).isInstanceOfSatisfying(TenonException.class, e -> {
                assertThat(e.code()).isEqualTo(ErrorCode.PROVIDER_FAILED);
                assertThat(e.getMessage()).contains("does not let this user in").doesNotContain("Wrong-1b2c");
            });
        }
    }

    @Test
    void run_serverThatNeverSpeaks_isGivenUpAndThenLeftAlone() throws Exception {
        try (ServerSocket silent = new ServerSocket(0)) {
            Limits hasty = new Limits(SHORT, SHORT, SHORT, Duration.ofSeconds(1), 2, 2, 3);
            try (Links own = new Links("hasty", hasty, nanos::get);
                    HostLink link = own.to(new Target(
                            "silent",
                            "127.0.0.1",
                            silent.getLocalPort(),
                            "nobody",
                            List.of(),
                            Optional.empty(),
                            List.of(ED25519.getPublic())))) {
                refused(ErrorCode.PROVIDER_UNAVAILABLE, "cannot be reached", () -> echo(link));
                silent.close();
                nanos.addAndGet(Duration.ofMillis(999).toNanos());
                refused(ErrorCode.PROVIDER_UNAVAILABLE, "cannot be reached", () -> echo(link));
            }
        }
    }

    @Test
    void run_hostBackAfterItsRest_isTriedAgain() throws Exception {
        Target target = host.target(ED25519.getPublic());
        host.close();
        try (HostLink link = links.to(target)) {
            refused(ErrorCode.PROVIDER_UNAVAILABLE, "cannot be reached", () -> echo(link));
            try (FakeHost back = new FakeHost(target.port(), ED25519).on("echo", (in, out) -> 7)) {
                assertThat(back.server.getPort()).isEqualTo(target.port());
                refused(ErrorCode.PROVIDER_UNAVAILABLE, "cannot be reached", () -> echo(link));
                nanos.addAndGet(Duration.ofSeconds(1).toNanos());
                assertThat(echo(link).exit()).hasValue(7);
            }
        }
    }

    @Test
    void run_commandThatHangs_isATimeout() {
        try (HostLink link = links.to(host.target(ED25519.getPublic()))) {
            refused(ErrorCode.TIMEOUT, "did not finish", () -> link.run("wait", out -> {}, 100, SHORT));
            assertThat(echo(link).exit()).as("the connection is still of use").hasValue(7);
        }
    }

    @Test
    void run_connectionCutMeanwhile_hasNoStatusAndTheNextConnectsAnew() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        host.on("long", (in, out) -> {
            begun.countDown();
            return host.never.await(30, TimeUnit.SECONDS) ? 0 : 1;
        });
        ExecutorService caller = Executors.newSingleThreadExecutor();
        try (HostLink link = links.to(host.target(ED25519.getPublic()))) {
            Future<Answer> answer = caller.submit(() -> link.run("long", out -> {}, 100, Duration.ofSeconds(20)));
            assertThat(begun.await(5, TimeUnit.SECONDS)).isTrue();
            host.server.getActiveSessions().forEach(s -> s.close(true));
            assertThat(answer.get(5, TimeUnit.SECONDS).exit()).isEmpty();
            assertThat(echo(link).exit()).hasValue(7);
        } finally {
            caller.shutdownNow();
        }
    }

    @Test
    void run_moreThanTheHostTakes_waitsBrieflyAndRefusesTheRest() throws Exception {
        AtomicInteger begun = new AtomicInteger();
        CountDownLatch four = new CountDownLatch(4);
        host.on("slow", (in, out) -> {
            begun.incrementAndGet();
            four.countDown();
            return host.never.await(30, TimeUnit.SECONDS) ? 0 : 1;
        });
        ExecutorService callers = Executors.newCachedThreadPool();
        try (HostLink link = links.to(host.target(ED25519.getPublic()));
                FakeHost other = new FakeHost(ED25519);
                HostLink elsewhere = links.to(other.target(ED25519.getPublic()))) {
            other.on("echo", (in, out) -> 7);
            List<Future<Answer>> running = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                running.add(callers.submit(() -> link.run("slow", out -> {}, 100, Duration.ofSeconds(20))));
            }
            assertThat(four.await(10, TimeUnit.SECONDS)).isTrue();
            assertThat(host.server.getActiveSessions())
                    .as("two channels on each connection")
                    .hasSize(2);
            refused(ErrorCode.PROVIDER_UNAVAILABLE, "no channel", () -> echo(link));
            assertThat(echo(elsewhere).exit()).as("another host is not delayed").hasValue(7);
            assertThat(begun).hasValue(4);
        } finally {
            callers.shutdownNow();
        }
    }

    @Test
    void run_silentHost_isLostAfterThreeHeartbeats() {
        host.on("hang-up", (in, out) -> host.never.await(30, TimeUnit.SECONDS) ? 0 : 1);
        try (HostLink link = links.to(host.target(ED25519.getPublic()))) {
            assertThat(echo(link).exit()).hasValue(7);
            // The server goes on running the command, but its socket hears nothing any more.
            host.server.getActiveSessions().forEach(s -> s.getIoSession().suspendRead());
            Answer answer = link.run("hang-up", out -> {}, 100, Duration.ofSeconds(20));
            assertThat(answer.exit()).isEmpty();
        }
    }

    @Test
    void interrupted_call_keepsTheFlag() {
        try (HostLink link = links.to(host.target(ED25519.getPublic()))) {
            Thread.currentThread().interrupt();
            refused(ErrorCode.PROVIDER_UNAVAILABLE, "interrupted", () -> link.run("wait", out -> {}, 100, SHORT));
            assertThat(Thread.interrupted()).isTrue();
            assertThat(echo(link).exit()).hasValue(7);
        }
    }

    @Test
    void cipher_always_isAuthenticated() {
        try (HostLink link = links.to(host.target(ED25519.getPublic()))) {
            echo(link);
            assertThat(host.server
                            .getActiveSessions()
                            .get(0)
                            .getNegotiatedKexParameter(org.apache.sshd.common.kex.KexProposalOption.C2SENC))
                    .isEqualTo("aes256-gcm@openssh.com");
        }
    }

    @Test
    void publicKey_asOpenSshWritesIt_isRead() throws Exception {
        String line = PublicKeyEntry.toString(ED25519.getPublic()) + " root@host";
        assertThat(Target.publicKey("hostKey", line)).isEqualTo(ED25519.getPublic());
    }

    @Test
    void publicKey_anythingElse_isRefused() {
        for (String line : List.of("", "ssh-ed25519", "ssh-ed25519 !!!", "SHA256:abc", "# comment")) {
            assertThatThrownBy(() -> Target.publicKey("hostKey", line))
                    .isInstanceOf(InvalidSpecException.class)
                    .hasMessageContaining("hostKey");
        }
    }

    @Test
    void privateKey_unreadable_saysNothingOfIt() {
        assertThatThrownBy(() -> Target.privateKey(
                        "key",
                        Secret.of("-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----")))
                .isInstanceOf(InvalidSpecException.class)
                .hasMessageNotContaining("c2VjcmV0");
    }

    @Test
    void unixSockets_serverWithout_isToldFromOneThatDoesNotAnswer() throws Exception {
        try (HostLink link = links.to(host.target(ED25519.getPublic()))) {
            assertThat(link.hasUnixSockets()).isFalse();
            host.server.stop(true);
            link.cut();
            refused(ErrorCode.PROVIDER_UNAVAILABLE, "cannot be reached", link::hasUnixSockets);
        }
    }

    @Test
    void talk_commandThatGoesOnReading_answersWhatComesLater() throws Exception {
        try (HostLink link = links.to(host.target(ED25519.getPublic()));
                HostLink.Stream stream = link.talk("echo", out -> out.write('a'))) {
            assertThat(stream.in().read()).isEqualTo('a');
            stream.out().write('b');
            stream.out().flush();
            assertThat(stream.in().read()).isEqualTo('b');
        }
    }
}
