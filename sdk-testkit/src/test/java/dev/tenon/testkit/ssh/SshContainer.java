package dev.tenon.testkit.ssh;

import static java.util.Objects.requireNonNull;

import com.github.dockerjava.api.model.Capability;
import dev.tenon.api.DataSize;
import dev.tenon.api.Secret;
import dev.tenon.baremetal.HostSpec;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
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
public final class SshContainer extends GenericContainer<SshContainer> {
    /** The user with {@code sudo}. */
    public static final String OPERATOR = "ops";

    private static final KeyPair LOGIN = key();
    private static final String NEW_KEY =
            "rm -f /etc/ssh/ssh_host_*; ssh-keygen -q -N '' -t ed25519 -f /etc/ssh/ssh_host_ed25519_key; ";

    private static final ImageFromDockerfile IMAGE = image(
            "tenon-test-sshd",
            "openssh-server sudo nftables",
            NEW_KEY + "mkdir -p /run/sshd; exec /usr/sbin/sshd -D -e");

    /**
     * Lets systemd write to the container's own control groups, which Docker mounts for reading, and keeps it from mounting hierarchies of
     * version 1 that the kernel does not have yet: they would appear in every other container.
     */
    private static final ImageFromDockerfile WITH_SYSTEMD = image(
            "tenon-test-systemd",
            "openssh-server sudo systemd systemd-sysv dbus",
            NEW_KEY
                    + "for group in /sys/fs/cgroup /sys/fs/cgroup/*; do if mountpoint -q $group; then mount -o remount,bind,rw $group; fi; done;"
                    + " if [ ! -e /sys/fs/cgroup/cgroup.controllers ]; then for group in hugetlb perf_event net_cls,net_prio; do"
                    + " if [ ! -e /sys/fs/cgroup/$group ]; then mkdir /sys/fs/cgroup/$group; mount -t tmpfs none /sys/fs/cgroup/$group; fi; done; fi;"
                    + " exec /lib/systemd/systemd");

    /** Without SFTP, and in the version of Debian 12 without forwarding of Unix sockets, too. */
    private static final ImageFromDockerfile WITH_DROPBEAR = image(
            "tenon-test-dropbear",
            "dropbear-bin sudo socat",
            "mkdir -p /etc/ssh; key=/etc/dropbear/dropbear_ed25519_host_key; mkdir -p /etc/dropbear; rm -f $key; dropbearkey -t ed25519 -f $key"
                    + " | grep ^ssh > /etc/ssh/ssh_host_ed25519_key.pub; exec dropbear -F -E -r $key -p 22");

    /** Does not start yet. */
    public SshContainer() {
        this(IMAGE);
    }

    private SshContainer(ImageFromDockerfile image) {
        super(image);
        withExposedPorts(22);
        // So that a test sees the environment of other users' processes, as root of a real host does, and can cut its
        // links.
        withCreateContainerCmdModifier(
                c -> requireNonNull(c.getHostConfig()).withCapAdd(Capability.SYS_PTRACE, Capability.NET_ADMIN));
        waitingFor(Wait.forListeningPort());
    }

    /** Returns a host on which systemd runs, as on every usual distribution. */
    static SshContainer withSystemd() {
        SshContainer container = new SshContainer(WITH_SYSTEMD);
        container.withEnv("container", "docker");
        container.withTmpFs(Map.of("/run", "rw,mode=755", "/tmp", "rw,mode=1777"));
        container.withCreateContainerCmdModifier(c -> requireNonNull(c.getHostConfig())
                .withCapAdd(Capability.SYS_PTRACE, Capability.SYS_ADMIN)
                .withCgroupnsMode("private")
                .withSecurityOpts(List.of("seccomp=unconfined", "apparmor=unconfined")));
        return container;
    }

    /** Returns a host whose SSH server is dropbear. */
    static SshContainer withDropbear() {
        return new SshContainer(WITH_DROPBEAR);
    }

    private static ImageFromDockerfile image(String name, String packages, String start) {
        String key = PublicKeyEntry.toString(LOGIN.getPublic());
        return new ImageFromDockerfile(name, false).withDockerfileFromBuilder(builder -> builder.from("debian:bookworm")
                .run("apt-get update -qq && apt-get install -y -qq --no-install-recommends " + packages
                        + " && rm -rf /var/lib/apt/lists/*")
                .run("useradd --create-home --shell /bin/bash " + OPERATOR + " && echo '" + OPERATOR
                        + " ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/ops && chmod 440 /etc/sudoers.d/ops")
                .run("install -d -m 700 /root/.ssh && install -d -m 700 -o ops /home/ops/.ssh"
                        + " && echo '" + key + "' | tee /root/.ssh/authorized_keys > /home/ops/.ssh/authorized_keys"
                        + " && chown ops /home/ops/.ssh/authorized_keys")
                .cmd("/bin/sh", "-c", start)
                .build());
    }

    /** Gives it a disk of its own below the members' directories, in memory, that can be full while nothing else is. */
    SshContainer withDisk(DataSize size) {
        return withTmpFs(Map.of("/var/lib/tenon", "exec,size=" + size.bytes()));
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
    public String address() {
        return getContainerInfo()
                .getNetworkSettings()
                .getNetworks()
                .values()
                .iterator()
                .next()
                .getIpAddress();
    }

    /** Lets all of it stand still, as a host that hangs does. */
    public void pause() {
        getDockerClient().pauseContainerCmd(getContainerId()).exec();
    }

    /** Lets it go on. */
    public void resume() {
        getDockerClient().unpauseContainerCmd(getContainerId()).exec();
    }

    List<String> hostKeys() {
        return sh("cat /etc/ssh/ssh_host_*_key.pub").lines().toList();
    }

    /** Returns what a delivery is told of this host. */
    public Consumer<HostSpec.Builder> as(String name, String zone, String user) {
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
    public String sh(String script, String... arguments) {
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
