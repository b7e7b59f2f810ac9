package dev.tenon.engine.postgresql.replication;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import dev.tenon.spi.delivery.AdminAddress;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.newsclub.net.unix.AFUNIXSocket;
import org.newsclub.net.unix.AFUNIXSocketAddress;

/**
 * Messages of the frontend/backend protocol over one connection in replication mode. Not thread-safe.
 *
 * @see <a href="https://www.postgresql.org/docs/current/protocol-message-formats.html">PostgreSQL: message formats</a>
 */
final class Wire implements AutoCloseable {
    /**
     * A message of the server.
     *
     * @param type its first byte
     * @param body what follows its length
     */
    record Message(char type, ByteBuffer body) {}

    private static final int PROTOCOL_3_0 = 3 << 16;
    /** Longer than any message of a base backup: the server sends 32 KiB of data at a time. */
    private static final int LONGEST = 16 << 20;

    private final Socket socket;
    private final DataInputStream in;
    private final OutputStream out;

    private Wire(Socket socket) throws IOException {
        this.socket = socket;
        this.in = new DataInputStream(new BufferedInputStream(socket.getInputStream(), 1 << 17));
        this.out = socket.getOutputStream();
    }

    /**
     * Connects in physical replication mode; the operating system vouches for who we are.
     *
     * @param silence how long the server may send nothing
     */
    static Wire connect(AdminAddress address, String role, Duration silence) throws IOException {
        if (!(address instanceof AdminAddress.Unix unix)) {
            throw new ProviderException(
                    ErrorCode.UNSUPPORTED,
                    "a base backup is read through the member's Unix socket; " + address + " is another route");
        }
        Socket socket = AFUNIXSocket.newInstance();
        try {
            int millis = (int) Math.min(Integer.MAX_VALUE, silence.toMillis());
            socket.setSoTimeout(millis);
            socket.connect(AFUNIXSocketAddress.of(unix.socket()), millis);
            Wire wire = new Wire(socket);
            wire.startUp(Map.of("user", role, "replication", "true", "application_name", "tenon"));
            return wire;
        } catch (IOException | RuntimeException e) {
            socket.close();
            throw e;
        }
    }

    private void startUp(Map<String, String> parameters) throws IOException {
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        DataOutputStream text = new DataOutputStream(body);
        text.writeInt(PROTOCOL_3_0);
        for (Map.Entry<String, String> parameter : parameters.entrySet()) {
            text.write(zeroEnded(parameter.getKey()));
            text.write(zeroEnded(parameter.getValue()));
        }
        text.writeByte(0);
        DataOutputStream message = new DataOutputStream(out);
        message.writeInt(4 + body.size());
        body.writeTo(message);
        message.flush();
        for (Message answer = next(); answer.type() != 'Z'; answer = next()) {
            if (answer.type() == 'R' && answer.body().getInt() != 0) {
                throw new ProviderException(
                        ErrorCode.UNSUPPORTED,
                        "PostgreSQL asks for a password on its Unix socket; expected that it knows the control plane's user");
            }
        }
    }

    /** Sends one command. */
    void send(String command) throws IOException {
        byte[] text = zeroEnded(command);
        DataOutputStream message = new DataOutputStream(out);
        message.write(ByteBuffer.allocate(5 + text.length)
                .put((byte) 'Q')
                .putInt(4 + text.length)
                .put(text)
                .array());
        message.flush();
    }

    /**
     * Returns the next message that is an answer; notices and changed settings are passed over.
     *
     * @throws ProviderException if the server reports an error, with its words
     */
    Message next() throws IOException {
        while (true) {
            char type = (char) in.readUnsignedByte();
            int length = in.readInt() - 4;
            if (length < 0 || length > LONGEST) {
                throw new IOException("the server sent a message of " + length + " bytes; expected at most " + LONGEST);
            }
            ByteBuffer body = ByteBuffer.wrap(in.readNBytes(length));
            if (body.remaining() != length) {
                throw new IOException("the connection ended inside a message");
            }
            if (type == 'E') {
                throw failure(body);
            }
            if (type != 'N' && type != 'S' && type != 'K') {
                return new Message(type, body);
            }
        }
    }

    /** Returns the rows of a result, the values as text, an absent one as an empty text. */
    List<List<String>> rows() throws IOException {
        List<List<String>> rows = new ArrayList<>();
        for (Message message = next(); message.type() != 'C'; message = next()) {
            if (message.type() == 'D') {
                rows.add(row(message.body()));
            } else if (message.type() != 'T') {
                throw unexpected(message, "a row");
            }
        }
        return rows;
    }

    private static List<String> row(ByteBuffer body) {
        List<String> values = new ArrayList<>();
        for (int left = body.getShort(); left > 0; left--) {
            byte[] value = new byte[Math.max(0, body.getInt())];
            body.get(value);
            values.add(new String(value, StandardCharsets.UTF_8));
        }
        return values;
    }

    static IOException unexpected(Message message, String expected) {
        return new IOException("the server sent a message of type " + message.type() + "; expected " + expected);
    }

    private static ProviderException failure(ByteBuffer body) {
        String words = "";
        String state = "";
        while (body.remaining() > 1) {
            char field = (char) body.get();
            String value = text(body);
            if (field == 'M') {
                words = value;
            } else if (field == 'C') {
                state = value;
            }
        }
        boolean passing = state.startsWith("57P") || state.equals("53300") || state.equals("55006");
        return new ProviderException(
                passing ? ErrorCode.PROVIDER_UNAVAILABLE : ErrorCode.PROVIDER_FAILED,
                "PostgreSQL: " + words + " (" + state + ")");
    }

    /** Reads a text up to its zero. */
    static String text(ByteBuffer body) {
        int end = body.position();
        while (end < body.limit() && body.get(end) != 0) {
            end++;
        }
        byte[] bytes = new byte[end - body.position()];
        body.get(bytes);
        if (body.hasRemaining()) {
            body.get();
        }
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static byte[] zeroEnded(String text) {
        return (text + "\0").getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
