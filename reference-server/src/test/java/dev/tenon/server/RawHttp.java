package dev.tenon.server;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** A connection that says exactly what a test wants said, also what no client library would. */
final class RawHttp implements AutoCloseable {
    private final Socket socket;

    RawHttp(int port) throws IOException {
        socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.setSoTimeout(40_000);
    }

    /** Sends bytes; what the other side does with them shows in the answer. */
    RawHttp send(String text) throws IOException {
        return send(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    RawHttp send(byte[] bytes) throws IOException {
        OutputStream out = socket.getOutputStream();
        out.write(bytes);
        out.flush();
        return this;
    }

    /** Reads one answer's head and as much of its body as its length says; empty if the connection was closed instead. */
    String answer() throws IOException {
        InputStream in = socket.getInputStream();
        StringBuilder text = new StringBuilder();
        int length = -1;
        try {
            for (int c = in.read(); c >= 0; c = in.read()) {
                text.append((char) c);
                if (length < 0
                        && text.length() > 3
                        && text.substring(text.length() - 4).equals("\r\n\r\n")) {
                    length = contentLength(text.toString());
                    text.append(new String(in.readNBytes(length), StandardCharsets.UTF_8));
                    return text.toString();
                }
            }
        } catch (java.net.SocketException e) {
            return text.toString();
        }
        return text.toString();
    }

    /** Returns whether the other side closes the connection before the time-out. */
    boolean closed() throws IOException {
        try {
            return socket.getInputStream().read() < 0;
        } catch (java.net.SocketException e) {
            return true;
        }
    }

    static int status(String answer) {
        return answer.isEmpty() ? 0 : Integer.parseInt(answer.split(" ", 3)[1]);
    }

    private static int contentLength(String head) {
        for (String line : head.split("\r\n", -1)) {
            if (line.toLowerCase(java.util.Locale.ROOT).startsWith("content-length:")) {
                return Integer.parseInt(line.substring(15).strip());
            }
        }
        return 0;
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
