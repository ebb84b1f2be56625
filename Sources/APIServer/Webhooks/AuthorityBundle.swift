import PKI
import Support

/// The authorities that the configuration of a webhook trusts (`caBundle`), in PEM.
enum AuthorityBundle {
    /// Why a bundle is of no use, in Kubernetes' words; `nil` for a good one. One good certificate among others is enough.
    static func problem(_ pem: [UInt8]) -> String? {
        let blocks: [PEMBlock]
        do throws(Fault) { blocks = try PEMBlock.all(in: pem) } catch { return unreadable }
        let certificates = blocks.filter { $0.label == "CERTIFICATE" }
        guard !certificates.isEmpty else { return unreadable }
        var why = ""
        for block in certificates {
            do throws(Fault) {
                _ = try Certificate(der: block.bytes)
                return nil
            } catch {
                why = "unable to load root certificates: failed to parse certificate: \(error.summary)"
            }
        }
        return why
    }

    private static let unreadable = "unable to load root certificates: unable to parse bytes as PEM block"
}
