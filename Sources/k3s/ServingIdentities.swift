import Host
import PKI
import Supervisor
import Support
import Synchronization
import Wire

/// The certificates that the server shows: its own, unless the flags of the API server name another, and others for
/// clients that ask for certain names.
final class ServingIdentities: CertificateSource {
    private let arguments: ListenerArguments
    private let requirements: TLSRequirements
    private let own: TLSIdentity
    private let present: Mutex<NamedIdentities>

    init(_ arguments: ListenerArguments, own: TLSIdentity, requiring requirements: TLSRequirements) throws(Fault) {
        (self.arguments, self.own, self.requirements) = (arguments, own, requirements)
        present = Mutex(try Self.read(arguments, own, requirements))
    }

    func identity(for serverName: String?) -> TLSIdentity? { present.withLock(\.self).identity(for: serverName) }

    /// The files that were read.
    var files: [String] {
        let pairs = [arguments.identity].compactMap(\.self) + arguments.namedIdentities
        return pairs.flatMap { [$0.certificateFile, $0.keyFile] }
    }

    /// Reads the files anew. When something is wrong with them, what was shown before is shown on.
    func reload() throws(Fault) {
        let new = try Self.read(arguments, own, requirements)
        present.withLock { $0 = new }
    }

    private static func read(
        _ arguments: ListenerArguments, _ own: TLSIdentity, _ requirements: TLSRequirements
    ) throws(Fault) -> NamedIdentities {
        func identity(_ pair: ListenerArguments.Pair) throws(Fault) -> TLSIdentity {
            try TLSIdentity(
                certificatePEM: try Files.read(pair.certificateFile), keyPEM: try Files.read(pair.keyFile),
                requiring: requirements)
        }
        var identities = NamedIdentities(standard: try arguments.identity.map(identity) ?? own)
        var unnamed: [(TLSIdentity, [String])] = []
        for pair in arguments.namedIdentities {
            let identity = try identity(pair)
            if pair.names.isEmpty {
                unnamed.append((identity, try names(in: pair.certificateFile)))
            } else {
                identities.add(identity, for: pair.names)
            }
        }
        // What is named counts before what is found in certificates.
        for (identity, names) in unnamed { identities.add(identity, for: names) }
        return identities
    }

    private static func names(in file: String) throws(Fault) -> [String] {
        guard let leaf = try Certificate.all(pem: try Files.read(file)).first else {
            throw Fault(.invalid, "\(file) holds no certificate")
        }
        let names = leaf.subjectAlternativeNames.compactMap { name in
            if case .dns(let name) = name { name } else { nil }
        }
        return names.isEmpty ? [leaf.subject.commonName] : names
    }
}
