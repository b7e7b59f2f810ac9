package dev.tenon.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CidrTest {
    @ParameterizedTest
    @CsvSource({
        "10.1.0.0/16,10.1.0.0/16",
        "192.168.1.7,192.168.1.7/32",
        "0.0.0.0/0,0.0.0.0/0",
        "::1,::1/128",
        "::/0,::/0",
        "FD00::/8,fd00::/8",
        "2001:db8:0:0:1:0:0:1,2001:db8::1:0:0:1/128",
        "2001:0db8:0000:0000:0000:0000:0000:0001,2001:db8::1/128",
        "1:2:3:4:5:6:7:8,1:2:3:4:5:6:7:8/128",
        "1:0:3:4:5:6:7:8,1:0:3:4:5:6:7:8/128"
    })
    void parse_addressOrBlock_isCanonical(String text, String canonical) {
        assertThat(Cidr.parse(text)).hasToString(canonical);
        assertThat(Cidr.parse(canonical)).isEqualTo(Cidr.parse(text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "1.2.3.4/33",
                "1.2.3.4 trust",
                "1.2.3.4/",
                "1.2.3.4/-1",
                "1.2.3",
                "1.2.3.256",
                "01.2.3.4",
                "10.1.0.1/16",
                "localhost",
                "db.example.com",
                "::1/129",
                ":::",
                "1::2::3",
                "1:2:3:4:5:6:7",
                "1:2:3:4:5:6:7:8:9",
                "12345::",
                "::ffff:1.2.3.4",
                "1.2.3.4/24\n",
                "1.2.3.4/24\nhost all all 0.0.0.0/0 trust",
                "fe80::1%eth0",
                "::1/0128"
            })
    void parse_anythingElse_isRefused(String text) {
        assertThatThrownBy(() -> Cidr.parse(text))
                .isInstanceOfSatisfying(
                        InvalidSpecException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.CIDR_INVALID));
    }
}
