package dev.tenon.server;

import java.net.InetAddress;
import java.net.UnknownHostException;

/** Whether an address can be reached from this machine only. */
final class Loopback {
    private Loopback() {}

    static boolean is(String host) {
        try {
            return InetAddress.getByName(host).isLoopbackAddress();
        } catch (UnknownHostException e) {
            return false;
        }
    }
}
