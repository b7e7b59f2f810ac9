package dev.tenon.testkit.ssh;

import static java.util.Objects.requireNonNull;

import com.github.dockerjava.api.model.Capability;
import dev.tenon.api.Secret;
import dev.tenon.baremetal.HostSpec;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.apache.sshd.common.config.keys.KeyUtils;
import org.apache.sshd.common.config.keys.PublicKeyEntry;
import org.apache.sshd.common.config.keys.writer.openssh.OpenSSHKeyPairResourceWriter;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.Container;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.wait.strategy.Wait;
import org.testcontainers.images.builder.ImageFromDockerfile;

/** A host for tests: Debian with OpenSSH in a container, a login for root and one for a user with {@code sudo}. */
final class SshContainer extends GenericContainer<SshContainer> {
    static final String OPERATOR = "ops";
    private static final KeyPair LOGIN = key();
    private static final ImageFromDockerfile IMAGE = new ImageFromDockerfile("tenon-test-sshd", false)
            .withDockerfileFromBuilder(builder -> builder.from("debian:bookworm")
                    .run("apt-get update -qq && apt-get install -y -qq --no-install-recommends openssh-server sudo"
                            + " && rm -rf /var/lib/apt/lists/* && mkdir -p /run/sshd")
                    .run("useradd --create-home --shell /bin/bash " + OPERATOR + " && echo '" + OPERATOR
                            + " ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/ops && chmod 440 /etc/sudoers.d/ops")
                    .run("install -d -m 700 /root/.ssh && install -d -m 700 -o ops /home/ops/.ssh"
                            + " && echo '" + PublicKeyEntry.toString(LOGIN.getPublic())
                            + "' | tee /root/.ssh/authorized_keys > /home/ops/.ssh/authorized_keys"
                            + " && chown ops /home/ops/.ssh/authorized_keys")
                    .cmd(
                            "/bin/sh",
                            "-c",
                            "rm -f /etc/ssh/ssh_host_* && ssh-keygen -q -N '' -t ed25519 -f /etc/ssh/ssh_host_ed25519_key && exec /usr/sbin/sshd -D -e")
                    .build());

    SshContainer() {
        super(IMAGE);
        withExposedPorts(22);
        // So that a test sees the environment of other users' processes, as root of a real host does.
        withCreateContainerCmdModifier(c -> requireNonNull(c.getHostConfig()).withCapAdd(Capability.SYS_PTRACE));
        waitingFor(Wait.forListeningPort());
    }

    /** Asked by {@link NeedsDocker}. */
    static boolean dockerAnswers() {
        return DockerClientFactory.instance().isDockerAvailable();
    }

    private static KeyPair key() {
        try {
            return KeyUtils.generateKeyPair("ssh-ed25519", 256);
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    private static Secret privateKey() {
        try {
            ByteArrayOutputStream text = new ByteArrayOutputStream();
            OpenSSHKeyPairResourceWriter.INSTANCE.writePrivateKey(LOGIN, "test", null, text);
            return Secret.of(text.toString(StandardCharsets.UTF_8));
        } catch (IOException | GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    /** Returns the address of the container itself, where its members can be reached, too. */
    String address() {
        return getContainerInfo()
                .getNetworkSettings()
                .getNetworks()
                .values()
                .iterator()
                .next()
                .getIpAddress();
    }

    List<String> hostKeys() {
        return sh("cat /etc/ssh/ssh_host_*_key.pub").lines().toList();
    }

    /** Returns what a delivery is told of this host. */
    Consumer<HostSpec.Builder> as(String name, String zone, String user) {
        String address = address();
        List<String> keys = hostKeys();
        return host -> host.name(name)
                .zone(zone)
                .address(address)
                .user(user)
                .privateKey(privateKey())
                .hostKeys(keys);
    }

    /** Runs a script inside, past SSH, and returns what it printed. */
    String sh(String script, String... arguments) {
        try {
            String[] words = new String[4 + arguments.length];
            System.arraycopy(new String[] {"/bin/sh", "-c", script, "test"}, 0, words, 0, 4);
            System.arraycopy(arguments, 0, words, 4, arguments.length);
            Container.ExecResult result = execInContainer(words);
            if (result.getExitCode() != 0) {
                throw new AssertionError(Arrays.toString(words) + ": " + result.getStderr());
            }
            return result.getStdout();
        } catch (IOException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }
}
