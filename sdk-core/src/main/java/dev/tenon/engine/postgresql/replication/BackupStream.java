package dev.tenon.engine.postgresql.replication;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import dev.tenon.spi.delivery.AdminAddress;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;

/**
 * A data directory as the server gives it away: one tar archive of plain files and directories, without log segments. It ends only
 * after every file was found as the server's manifest says; a reader that sees no end has nothing. Not thread-safe.
 *
 * @see <a href="https://www.postgresql.org/docs/current/protocol-replication.html">PostgreSQL: BASE_BACKUP</a>
 */
public final class BackupStream extends InputStream {
    /** A checkpoint of a busy server comes before the first byte. */
    private static final Duration SILENCE = Duration.ofMinutes(5);

    private static final int LONGEST_MANIFEST = 256 << 20;
    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

    private final Wire wire;
    private final String start;
    private final ArchiveDigest digest = new ArchiveDigest();
    private final ByteArrayOutputStream manifest = new ByteArrayOutputStream();
    private ByteBuffer data = NOTHING;
    private boolean inManifest;
    private boolean ended;

    private BackupStream(Wire wire, String start) {
        this.wire = wire;
        this.start = start;
    }

    /**
     * Begins a base backup with an immediate checkpoint.
     *
     * @param role a role that may replicate
     * @param label of letters, digits and dashes; for people who look at the server
     * @throws ProviderException {@code UNSUPPORTED} if the server has tablespaces, or answers in the form of releases before 15
     */
    public static BackupStream open(AdminAddress address, String role, String label) {
        if (!label.matches("[A-Za-z0-9-]{1,64}")) {
            throw new IllegalArgumentException("label " + label);
        }
        try {
            Wire wire = Wire.connect(address, role, SILENCE);
            try {
                wire.send("BASE_BACKUP (LABEL '" + label + "', CHECKPOINT 'fast', WAIT false, MANIFEST 'yes')");
                String start = wire.rows().get(0).get(0);
                refuseTablespaces(wire.rows());
                Wire.Message copy = wire.next();
                if (copy.type() != 'H') {
                    throw Wire.unexpected(copy, "the begin of a copy");
                }
                return new BackupStream(wire, start);
            } catch (IOException | RuntimeException e) {
                wire.close();
                throw e;
            }
        } catch (IOException e) {
            throw new ProviderException(
                    ErrorCode.PROVIDER_UNAVAILABLE, "PostgreSQL: could not begin a base backup: " + e.getMessage(), e);
        }
    }

    private static void refuseTablespaces(List<List<String>> tablespaces) {
        if (tablespaces.stream().anyMatch(row -> !row.get(0).isEmpty())) {
            throw new ProviderException(
                    ErrorCode.UNSUPPORTED,
                    "the server has tablespaces outside of its data directory; a member is one directory");
        }
    }

    /** Returns the position in the log from which a copy has to replay. */
    public String start() {
        return start;
    }

    @Override
    public int read() {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }

    /**
     * Reads on.
     *
     * @throws ProviderException {@code PROVIDER_UNAVAILABLE} if the stream breaks off or is not what the manifest says: unlike a
     *     failure of whoever writes it down, this one may be gone with the next try
     */
    @Override
    public int read(byte[] into, int offset, int length) {
        try {
            while (!data.hasRemaining()) {
                if (ended || !advance()) {
                    return -1;
                }
            }
            int count = Math.min(length, data.remaining());
            data.get(into, offset, count);
            digest.update(into, offset, count);
            return count;
        } catch (IOException e) {
            throw new ProviderException(
                    ErrorCode.PROVIDER_UNAVAILABLE, "PostgreSQL: the base backup broke off: " + e.getMessage(), e);
        }
    }

    /** Takes the next message; returns false at the checked end. */
    private boolean advance() throws IOException {
        Wire.Message message = wire.next();
        if (message.type() == 'c') {
            finish();
            return false;
        }
        if (message.type() != 'd') {
            throw Wire.unexpected(message, "data of the copy");
        }
        ByteBuffer body = message.body();
        char kind = (char) body.get();
        switch (kind) {
            case 'n' -> {
                String name = Wire.text(body);
                if (!name.equals("base.tar")) {
                    throw new IOException("the server sent an archive " + name + "; expected only base.tar");
                }
            }
            case 'm' -> inManifest = true;
            case 'd' -> {
                if (inManifest) {
                    keep(body);
                } else {
                    data = body;
                }
            }
            case 'p' -> {} // progress, only on request
            default -> throw new IOException("the server sent a part of kind " + kind + "; expected n, d, m or p");
        }
        return true;
    }

    private void keep(ByteBuffer body) throws IOException {
        if (manifest.size() + body.remaining() > LONGEST_MANIFEST) {
            throw new IOException("the server's manifest is longer than " + LONGEST_MANIFEST + " bytes");
        }
        manifest.write(body.array(), body.arrayOffset() + body.position(), body.remaining());
    }

    private void finish() throws IOException {
        wire.rows(); // the end of the backup in the log
        while (wire.next().type() != 'Z') {
            continue;
        }
        BackupManifest.check(manifest.toByteArray(), digest.finished());
        ended = true;
    }

    @Override
    public void close() throws IOException {
        ended = true;
        wire.close();
    }
}
