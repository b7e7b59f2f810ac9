package dev.tenon.core.pki;

import java.io.IOException;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** Builds certificates. The only class that touches BouncyCastle, so that it is loaded when one is made and not before. */
final class Certificates {
    private static final String SIGNATURE = "SHA256withECDSA";

    private Certificates() {}

    /** From when to when. */
    record Validity(Instant from, Instant to) {}

    /** Who signs. */
    record Issuer(X509Certificate certificate, PrivateKey key) {}

    /** All names of a server. */
    record Names(String uri, Set<String> dns, Set<String> addresses) {}

    static byte[] authority(Validity validity, SecureRandom random, KeyPair pair)
            throws GeneralSecurityException, IOException {
        BigInteger serial = serial(random);
        // The serial in the name tells the authorities of two installations apart.
        X500Name name =
                new X500Name("CN=Tenon private authority " + serial.toString(16).substring(0, 8));
        X509v3CertificateBuilder builder = builder(name, serial, validity, name, pair.getPublic());
        JcaX509ExtensionUtils utils = new JcaX509ExtensionUtils();
        builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(0));
        builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign | KeyUsage.cRLSign));
        builder.addExtension(Extension.subjectKeyIdentifier, false, utils.createSubjectKeyIdentifier(pair.getPublic()));
        return sign(builder, pair.getPrivate());
    }

    static byte[] leaf(
            Validity validity, SecureRandom random, PublicKey subject, Issuer issuer, String commonName, Names names)
            throws GeneralSecurityException, IOException {
        X509CertificateHolder authority = new JcaX509CertificateHolder(issuer.certificate());
        X509v3CertificateBuilder builder =
                builder(authority.getSubject(), serial(random), validity, new X500Name("CN=" + commonName), subject);
        JcaX509ExtensionUtils utils = new JcaX509ExtensionUtils();
        builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(false));
        builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature));
        builder.addExtension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(KeyPurposeId.id_kp_serverAuth));
        builder.addExtension(Extension.subjectKeyIdentifier, false, utils.createSubjectKeyIdentifier(subject));
        builder.addExtension(
                Extension.authorityKeyIdentifier, false, utils.createAuthorityKeyIdentifier(issuer.certificate()));
        builder.addExtension(Extension.subjectAlternativeName, false, alternativeNames(names));
        return sign(builder, issuer.key());
    }

    private static GeneralNames alternativeNames(Names names) {
        List<GeneralName> all = new ArrayList<>();
        all.add(new GeneralName(GeneralName.uniformResourceIdentifier, names.uri()));
        new TreeSet<>(names.dns()).forEach(name -> all.add(new GeneralName(GeneralName.dNSName, name)));
        new TreeSet<>(names.addresses()).forEach(address -> all.add(new GeneralName(GeneralName.iPAddress, address)));
        return new GeneralNames(all.toArray(GeneralName[]::new));
    }

    private static X509v3CertificateBuilder builder(
            X500Name issuer, BigInteger serial, Validity validity, X500Name subject, PublicKey key) {
        return new X509v3CertificateBuilder(
                issuer,
                serial,
                Date.from(validity.from()),
                Date.from(validity.to()),
                subject,
                SubjectPublicKeyInfo.getInstance(key.getEncoded()));
    }

    private static byte[] sign(X509v3CertificateBuilder builder, PrivateKey key)
            throws GeneralSecurityException, IOException {
        try {
            return builder.build(new JcaContentSignerBuilder(SIGNATURE).build(key))
                    .getEncoded();
        } catch (OperatorCreationException e) {
            throw new GeneralSecurityException(e);
        }
    }

    /** 127 random bits: positive, and within the 20 octets of RFC 5280, section 4.1.2.2. */
    private static BigInteger serial(SecureRandom random) {
        return new BigInteger(126, random).setBit(126);
    }
}
