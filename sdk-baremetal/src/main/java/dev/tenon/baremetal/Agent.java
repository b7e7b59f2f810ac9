package dev.tenon.baremetal;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import dev.tenon.baremetal.internal.ssh.Answer;
import dev.tenon.baremetal.internal.ssh.HostLink;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;

/**
 * Calls the script that does things on a host. What the host's shell reads is a constant of this release; everything else travels
 * as data on standard input. Every verb may be repeated, so that a call whose answer was lost is simply made again.
 */
final class Agent {
    /** Below this lies all that members need and nothing else. */
    static final String BASE = "/var/lib/tenon";
    /** The script's own exit statuses. */
    static final int FENCED = 60;

    static final int ABSENT = 61;
    static final int CUT = 62;
    static final int EXHAUSTED = 63;
    static final int CORRUPT = 64;
    static final int BUSY = 65;
    static final int LOST = 66;

    private static final HostLink.Body NOTHING = out -> {};
    private static final byte[] SCRIPT = script();
    private static final String DIGEST =
            HexFormat.of().formatHex(TreeManifest.sha256().digest(SCRIPT));
    private static final String FILE = BASE + "/agent-" + DIGEST.substring(0, 16);
    private static final String CALL = "/bin/sh " + FILE;
    private static final String INSTALL = "/bin/sh -c 'set -e; umask 022; mkdir -p " + BASE + "; cat >" + FILE
            + ".$$; echo \"" + DIGEST + "  " + FILE + ".$$\" | sha256sum -c --status; mv -f " + FILE + ".$$ " + FILE
            + "'";
    private static final int TRIES = 3;
    private static final int MOST_OUTPUT = 17 << 20;

    private final HostLink link;
    private final String prefix;

    /** @param sudo whether the user who logs in is not root */
    Agent(HostLink link, boolean sudo) {
        this.link = link;
        this.prefix = sudo ? "exec sudo -n " : "exec ";
    }

    private static byte[] script() {
        try (InputStream in = Agent.class.getResourceAsStream("agent.sh")) {
            return Objects.requireNonNull(in, "agent.sh").readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** How a call ended. */
    record Reply(int exit, byte[] output, String complaint) {
        String text() {
            return new String(output, StandardCharsets.UTF_8);
        }

        List<String> lines() {
            return text().isEmpty() ? List.of() : Arrays.asList(text().split("\n"));
        }
    }

    /** Puts the script on the host; whoever does so at the same time puts the same there. */
    void install(Duration timeout) {
        Answer answer = link.run(prefix + INSTALL, out -> out.write(SCRIPT), 1 << 16, timeout);
        if (answer.exit().isEmpty()) {
            throw lost("installing what members need", answer);
        }
        if (answer.exit().getAsInt() != 0) {
            throw failed("installing what members need", answer.exit().getAsInt(), answer.complaint());
        }
    }

    Reply call(Duration timeout, String verb, Object... words) {
        return call(timeout, NOTHING, verb, words);
    }

    /** Makes a call and returns its answer, good or bad, making it again if the answer was lost. */
    Reply call(Duration timeout, HostLink.Body body, String verb, Object... words) {
        return call(TRIES, timeout, body, verb, words);
    }

    /** Makes a call whose body can be written only once. */
    Reply once(Duration timeout, HostLink.Body body, String verb, Object... words) {
        return call(1, timeout, body, verb, words);
    }

    private Reply call(int most, Duration timeout, HostLink.Body body, String verb, Object... words) {
        byte[] head = head(verb, words);
        Answer answer = new Answer(OptionalInt.empty(), new byte[0], "");
        for (int tries = 0; tries < most; tries++) {
            answer = link.run(prefix + CALL, out -> send(out, head, body), MOST_OUTPUT, timeout);
            if (answer.exit().isPresent() && answer.exit().getAsInt() != CUT) {
                return new Reply(answer.exit().getAsInt(), answer.output(), answer.complaint());
            }
        }
        throw lost(verb, answer);
    }

    /** Makes a call that must end well. */
    Reply must(Duration timeout, String verb, Object... words) {
        return must(timeout, NOTHING, verb, words);
    }

    Reply must(Duration timeout, HostLink.Body body, String verb, Object... words) {
        Reply reply = call(timeout, body, verb, words);
        if (reply.exit() != 0) {
            throw failed(verb, reply.exit(), reply.complaint());
        }
        return reply;
    }

    /** Starts a call whose output is read as it comes. */
    HostLink.Stream stream(String verb, Object... words) {
        byte[] head = head(verb, words);
        return link.stream(prefix + CALL, out -> send(out, head, NOTHING));
    }

    /** Starts a call as the user who logged in, who may be seen by what it connects to; it goes on reading. */
    HostLink.Stream talk(String verb, Object... words) {
        byte[] head = head(verb, words);
        return link.talk("exec " + CALL, out -> out.write(head));
    }

    private static void send(OutputStream out, byte[] head, HostLink.Body body) throws IOException {
        out.write(head);
        body.writeTo(out);
    }

    static byte[] head(String verb, Object... words) {
        StringBuilder text =
                new StringBuilder(verb).append('\n').append(words.length).append('\n');
        for (Object word : words) {
            String clear = word.toString();
            if (clear.indexOf('\0') >= 0) {
                throw Failures.of(ErrorCode.PROVIDER_FAILED, "a word for a host holds a zero character");
            }
            text.append(clear.replace("\\", "\\\\").replace("\n", "\\n")).append('\n');
        }
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }

    private ProviderException lost(String what, Answer answer) {
        return Failures.of(
                ErrorCode.PROVIDER_UNAVAILABLE,
                "the connection to the host " + link.target() + " was lost during " + what
                        + (answer.complaint().isEmpty() ? "" : ": " + answer.complaint()));
    }

    /** Turns the script's exit status into a code that callers branch on. */
    ProviderException failed(String what, int exit, String words) {
        String where = " on the host " + link.target().name();
        return switch (exit) {
            case FENCED ->
                Failures.of(
                        ErrorCode.FENCED,
                        "epoch " + words + " was seen" + where + "; an older one may not change anything");
            case EXHAUSTED ->
                Failures.of(ErrorCode.CAPACITY_EXCEEDED, words + where + "; widen the range or destroy members");
            case CORRUPT -> Failures.of(ErrorCode.SOFTWARE_CORRUPT, words + where);
            case BUSY -> Failures.of(ErrorCode.PROVIDER_UNAVAILABLE, words + where);
            default ->
                Failures.of(
                        Failures.saysDiskFull(words) ? ErrorCode.DISK_FULL : ErrorCode.PROVIDER_FAILED,
                        what + where + " ended with " + exit + ": " + Templates.tail(words));
        };
    }
}
