import Testing

@testable import Support

@Suite struct IPAddressTests {
    /// RFC 5952, section 4, and the forms that people write.
    @Test(arguments: [
        ("10.43.0.1", "10.43.0.1"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"),
        ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:DB8::0001", "2001:db8::1"), ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.1"), ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
        ("1:2:3:4:5:6:7.8.9.10", "1:2:3:4:5:6:708:90a"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
        ("::10.0.0.1", "::a00:1"),
    ])
    func `an address is read in any form and printed in one`(text: String, canonical: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == canonical)
        #expect(IPAddress(canonical) == address)
        #expect(IPAddress(bytes: address.bytes) == address)
    }

    @Test(arguments: [
        "", "1.2.3", "1.2.3.4.5", "01.2.3.4", "256.1.1.1", "1.2.3.+4", "1..2.3", ":", ":::", "1::2::3",
        "12345::",
        "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "fe80::1%eth0", "::1.2.3", "g::",
        ":1:2:3:4:5:6:7",
        "1.2.3.4::", "1:2:3:4:5:6:7:1.2.3.4",
    ])
    func `anything else is refused`(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func `an address knows what it is for`() {
        #expect(IPAddress("127.1.2.3")?.isLoopback == true)
        #expect(IPAddress("fe80::1")?.isLinkLocal == true)
        #expect(IPAddress("febf::1")?.isLinkLocal == true)
        #expect(IPAddress("fec0::1")?.isLinkLocal == false)
        #expect(IPAddress("224.0.0.1")?.isMulticast == true)
        #expect(IPAddress("10.0.0.1")?.isGlobalUnicast == true)
        #expect(IPAddress("255.255.255.255")?.isGlobalUnicast == false)
    }

    @Test func `addresses are counted within their family`() {
        #expect(IPAddress("10.42.0.255")?.advanced(by: 1) == IPAddress("10.42.1.0"))
        #expect(IPAddress("255.255.255.255")?.advanced(by: 1) == nil)
        #expect(IPAddress("::ffff:ffff:ffff:ffff")?.advanced(by: 1) == IPAddress("0:0:0:1::"))
    }

    @Test(arguments: [
        ("10.42.3.7/24", "10.42.3.0", "10.42.3.255"), ("10.43.0.0/16", "10.43.0.0", "10.43.255.255"),
        ("0.0.0.0/0", "0.0.0.0", "255.255.255.255"), ("1.2.3.4/32", "1.2.3.4", "1.2.3.4"),
        ("2001:db8:42::/56", "2001:db8:42::", "2001:db8:42:ff:ffff:ffff:ffff:ffff"),
        ("fd00::1/64", "fd00::", "fd00::ffff:ffff:ffff:ffff"),
        ("fd00::1/72", "fd00::", "fd00::ff:ffff:ffff:ffff"),
        ("::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), ("::1/128", "::1", "::1"),
    ])
    func `a block has a first and a last address`(text: String, first: String, last: String) throws {
        let block = try #require(IPPrefix(text))
        #expect(block.description == text)
        #expect(block.first.description == first)
        #expect(block.last.description == last)
        #expect(block.contains(block.address))
        #expect(block.last.advanced(by: 1).map(block.contains) != true)
    }

    @Test(arguments: ["10.0.0.0", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/-1", "10.0.0.0/+8", "::/129", "/8"])
    func `what is no block is refused`(text: String) {
        #expect(IPPrefix(text) == nil)
    }

    @Test func `blocks overlap when one holds the other`() throws {
        let pods = try #require(IPPrefix("10.42.0.0/16"))
        #expect(pods.overlaps(try #require(IPPrefix("10.42.7.0/24"))))
        #expect(try #require(IPPrefix("10.42.7.0/24")).overlaps(pods))
        #expect(!pods.overlaps(try #require(IPPrefix("10.43.0.0/16"))))
        #expect(!pods.overlaps(try #require(IPPrefix("::/0"))))
    }
}
