package dev.tenon.testkit;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.ProviderException;
import dev.tenon.api.TenonException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Messages between a JVM with tests and the process that looks after the servers: lists of words, one asked, one answered. Safe
 * for one caller at a time; closing it from another thread ends a read.
 */
final class Wire implements AutoCloseable {
    private static final LongSupplier NANOS = System::nanoTime;
    private static final int MOST_BYTES = 1 << 20;
    private static final int MOST_CHARACTERS = 10_000;

    /** First word of an answer that is a failure; then its code, the field (or nothing) and the message. */
    private static final String FAILURE = "FAILURE";

    private final SocketChannel channel;
    private final Selector selector;

    /** Takes the channel over. */
    Wire(SocketChannel channel) throws IOException {
        this.channel = channel;
        channel.configureBlocking(false);
        selector = Selector.open();
        channel.register(selector, SelectionKey.OP_READ);
    }

    /** Asks and waits for the answer; a failure there is thrown here. */
    List<String> ask(Duration patience, List<String> words) throws IOException {
        send(words);
        List<String> answer = receive(patience);
        if (!answer.get(0).equals(FAILURE)) {
            return answer;
        }
        ErrorCode code = ErrorCode.valueOf(answer.get(1));
        String message = answer.get(3);
        throw answer.get(2).isEmpty()
                ? new ProviderException(code, message)
                : new InvalidSpecException(
                        code, answer.get(2), message.substring(answer.get(2).length() + 2));
    }

    static List<String> failure(RuntimeException e) {
        String field = e instanceof InvalidSpecException invalid ? invalid.field() : "";
        ErrorCode code = e instanceof TenonException ours ? ours.code() : ErrorCode.INTERNAL;
        String message = e instanceof TenonException ? String.valueOf(e.getMessage()) : e.toString();
        return List.of(FAILURE, code.name(), field, message.substring(0, Math.min(message.length(), MOST_CHARACTERS)));
    }

    void send(List<String> words) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        out.writeInt(0);
        out.writeInt(words.size());
        for (String word : words) {
            out.writeUTF(word);
        }
        ByteBuffer buffer = ByteBuffer.wrap(bytes.toByteArray());
        buffer.putInt(0, buffer.capacity() - Integer.BYTES);
        while (buffer.hasRemaining()) {
            if (channel.write(buffer) == 0) {
                // More than the socket's buffer holds, which no message of ours is unless the other side hangs.
                throw new IOException("the other side does not read");
            }
        }
    }

    /** Waits for the next message; {@link EOFException} if the other side has gone. */
    List<String> receive(Duration patience) throws IOException {
        long deadline = NANOS.getAsLong() + patience.toNanos();
        int length = read(Integer.BYTES, deadline).getInt();
        if (length < Integer.BYTES || length > MOST_BYTES) {
            throw new IOException("a message of " + length + " bytes");
        }
        DataInputStream in = new DataInputStream(
                new ByteArrayInputStream(read(length, deadline).array()));
        int count = in.readInt();
        List<String> words = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            words.add(in.readUTF());
        }
        return words;
    }

    private ByteBuffer read(int bytes, long deadline) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(bytes);
        while (buffer.hasRemaining()) {
            int count = channel.read(buffer);
            if (count < 0) {
                throw new EOFException("the other side has gone");
            }
            if (count == 0) {
                long left = TimeUnit.NANOSECONDS.toMillis(deadline - NANOS.getAsLong());
                if (left <= 0) {
                    throw new IOException("no answer in time");
                }
                selector.select(left);
                selector.selectedKeys().clear();
                if (Thread.currentThread().isInterrupted()) {
                    throw new IOException("interrupted");
                }
            }
        }
        return buffer.flip();
    }

    @Override
    public void close() {
        try {
            channel.close();
            selector.close();
        } catch (IOException e) {
            throw new ProviderException(ErrorCode.PROVIDER_UNAVAILABLE, "closing a connection: " + e, e);
        }
    }
}
