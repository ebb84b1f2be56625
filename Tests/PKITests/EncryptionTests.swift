import Support
import Testing

@testable import PKI

@Suite struct EncryptionTests {
    private static let text = Array("a secret of some length, more than one block of it".utf8)

    @Test(arguments: AESKey.lengths) func `AES gives back what it hid`(length: Int) throws {
        let key = try #require(AESKey(Secret.randomBytes(length)))
        for text in [Self.text, [], [UInt8](repeating: 7, count: 16)] {
            #expect(key.decryptCBC(try key.encryptCBC(text)) == text)
            #expect(key.openGCM(try key.sealGCM(text, associated: [1, 2]), associated: [1, 2]) == text)
        }
        #expect(try key.encryptCBC(Self.text) != key.encryptCBC(Self.text))
    }

    @Test func `a key of another length is none`() {
        for length in [0, 15, 17, 31, 33] {
            #expect(AESKey([UInt8](repeating: 0, count: length)) == nil)
            #expect(SecretBox(key: [UInt8](repeating: 0, count: length)) == nil)
        }
    }

    @Test func `what has no good padding is no text of CBC`() throws {
        // SP 800-38A, F.2.5: the first block of a text without padding.
        let key = try #require(
            AESKey(try bytes("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")))
        let vector = try bytes("000102030405060708090a0b0c0d0e0f")
        #expect(key.decryptCBC(vector + (try bytes("f58c4c04d6e5f1ba779eabfb5f7bfbd6"))) == nil)
        #expect(try key.encryptCBC(Self.text).count == 16 + 64)
    }

    @Test func `whatever is changed in a box of GCM, it does not open`() throws {
        let key = try #require(AESKey(Secret.randomBytes(32)))
        let box = try key.sealGCM(Self.text, associated: Array("here".utf8))
        #expect(key.openGCM(box, associated: Array("there".utf8)) == nil)
        for index in box.indices {
            var changed = box
            changed[index] ^= 1
            #expect(key.openGCM(changed, associated: Array("here".utf8)) == nil)
        }
        #expect(key.openGCM([], associated: []) == nil)
    }

    /// "Cryptography in NaCl", section 10.
    @Test func `the vector of secretbox holds`() throws {
        let box = try #require(
            SecretBox(key: try bytes("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389")))
        let nonce = try bytes("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37")
        let text = try bytes(
            "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c"
                + "01233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb"
                + "48f59ffd4924ca1c60902e52f0a089bc76897040e082f937763848645e0705")
        let expected = try bytes(
            "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc1"
                + "7c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368"
                + "517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5")
        let sealed = try box.seal(text, nonce: nonce)
        #expect(sealed == nonce + expected)
        #expect(box.open(sealed) == text)
    }

    @Test func `whatever is changed in a secretbox, it does not open`() throws {
        let box = try #require(SecretBox(key: Secret.randomBytes(32)))
        let sealed = try box.seal(Self.text)
        #expect(box.open(sealed) == Self.text)
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 0x80
            #expect(box.open(changed) == nil)
        }
        #expect(box.open(Array(sealed.prefix(20))) == nil)
    }

    private func bytes(_ hex: String) throws -> [UInt8] {
        let digits = Array(hex)
        return try stride(from: 0, to: digits.count, by: 2).map { start in
            try #require(UInt8(String(digits[start...start + 1]), radix: 16))
        }
    }
}
