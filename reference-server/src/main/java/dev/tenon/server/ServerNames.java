package dev.tenon.server;

import dev.tenon.api.InvalidSpecException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * Under which names and addresses clients reach this server.
 *
 * @param names host names
 * @param addresses IP addresses
 */
record ServerNames(Set<String> names, Set<String> addresses) {
    private static final Pattern NAME =
            Pattern.compile("(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*");
    private static final Pattern ADDRESS =
            Pattern.compile("[0-9]{1,3}(\\.[0-9]{1,3}){3}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*");

    /**
     * Collects them: the address listened on, every address of this machine if it is the wildcard, and what is told besides.
     *
     * @param host address or name to listen on
     * @param more further names and addresses, such as those of a load balancer
     * @throws InvalidSpecException if one of {@code more} is neither a host name nor an address
     */
    static ServerNames of(String host, List<String> more) {
        ServerNames all = new ServerNames(new TreeSet<>(), new TreeSet<>());
        try {
            InetAddress bound = InetAddress.getByName(host);
            if (bound.isAnyLocalAddress()) {
                for (NetworkInterface one : Collections.list(NetworkInterface.getNetworkInterfaces())) {
                    Collections.list(one.getInetAddresses()).forEach(all::add);
                }
                all.add(machine());
            } else {
                all.add(bound);
            }
            if (bound.isAnyLocalAddress() || bound.isLoopbackAddress()) {
                all.add("localhost");
            }
            if (!bound.getHostAddress().equals(host) && !ADDRESS.matcher(host).matches()) {
                all.add(host);
            }
        } catch (UnknownHostException | SocketException e) {
            throw new InvalidSpecException("host", host + " is no address of this machine: " + e.getMessage());
        }
        more.forEach(all::add);
        return all;
    }

    /** Returns what stands for the address listened on in a URL: on all addresses, this machine's name. */
    static String forBrowsers(String host) {
        try {
            String one = InetAddress.getByName(host).isAnyLocalAddress() ? machine() : host;
            return one.indexOf(':') >= 0 ? "[" + one + "]" : one;
        } catch (UnknownHostException e) {
            throw new InvalidSpecException("host", host + " is no address of this machine: " + e.getMessage());
        }
    }

    private static String machine() throws UnknownHostException {
        return InetAddress.getLocalHost().getHostName();
    }

    private void add(InetAddress address) {
        String text = address.getHostAddress();
        int zone = text.indexOf('%');
        addresses.add(zone < 0 ? text : text.substring(0, zone));
    }

    private void add(String text) {
        if (ADDRESS.matcher(text).matches()) {
            addresses.add(text);
        } else if (NAME.matcher(text.toLowerCase(Locale.ROOT)).matches()) {
            names.add(text.toLowerCase(Locale.ROOT));
        } else {
            throw new InvalidSpecException("host-name", "expected a host name or an IP address");
        }
    }
}
