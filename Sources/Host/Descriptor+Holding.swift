import CLinux
import Glibc
public import Support

extension Descriptor {
    /// A file in memory that holds `bytes`, to be read from its beginning: the input of a program, however long, that
    /// stands in no file system and in no list of arguments. It is gone when nobody has it open any more.
    public static func holding(_ bytes: [UInt8]) throws(Fault) -> Descriptor {
        try trying("cannot hold \(bytes.count) bytes for a program") { () throws(Errno) in
            let descriptor = Descriptor(owning: try system { linux_memory_file() })
            try descriptor.write(bytes)
            try system { lseek(descriptor.number, 0, SEEK_SET) }
            return descriptor
        }
    }
}
