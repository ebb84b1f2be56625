import APIServer
import Host
import Supervisor
import Support

extension APIServerOptions {
    /// Takes over what the flags of the API server say, reading the files that they name. What is wrong with a file ends
    /// the start.
    mutating func apply(_ arguments: APIServerArguments, _ credentials: ServerCredentials) throws(Fault) {
        if let file = arguments.encryptionConfigFile {
            encryption = try Self.reading(file) { text throws(Fault) in try EncryptionConfiguration(text: text) }
        } else if let own = credentials.encryption {
            encryption = try EncryptionConfiguration(text: String(decoding: own, as: UTF8.self))
        }
    }

    /// Makes something of a file's text; faults name the file.
    private static func reading<Result>(
        _ file: String, _ make: (String) throws(Fault) -> Result
    ) throws(Fault) -> Result {
        let text = try Files.readText(file)
        do throws(Fault) {
            return try make(text)
        } catch {
            throw Fault(error.code, "\(file): \(error.summary)", remedy: error.remedy, cause: error.cause)
        }
    }
}
