"""The mark of a synthetic picture in an XMP packet: what was in the packet before stays.

Source: IPTC, "Digital Source Type" (https://cv.iptc.org/newscodes/digitalsourcetype/).
"""

from __future__ import annotations

import re

SYNTHETIC_WHOLE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""IPTC's name for a picture that a trained model made."""
SYNTHETIC_PARTS = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""IPTC's name for a picture of which a trained model made parts."""

_PACKET = """\
<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
</rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""
_DESCRIPTION = """\
<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreatorTool="keras_deid">
<Iptc4xmpExt:DigitalSourceType>{source_type}</Iptc4xmpExt:DigitalSourceType>
</rdf:Description>
"""
_END = b"</rdf:RDF>"
# What the new description says, or is no longer so: the picture is written upright.
_REPLACED = re.compile(
    rb'\s(?:Iptc4xmpExt:DigitalSourceType|xmp:CreatorTool|tiff:Orientation)="[^"]*"'
    rb"|\s(?:Iptc4xmpExt:DigitalSourceType|xmp:CreatorTool|tiff:Orientation)='[^']*'"
    rb"|<(Iptc4xmpExt:DigitalSourceType|xmp:CreatorTool|tiff:Orientation)>[^<]*</\1>"
    rb"|<Iptc4xmpExt:DigitalSourceType\s[^>]*/>"
)


def marked(packet: bytes, source_type: str) -> bytes:
    """Returns an XMP packet with the mark added.

    Args:
        packet: what the picture had; may be empty. One that is not written as RDF in UTF-8 is replaced.
        source_type: `SYNTHETIC_WHOLE` or `SYNTHETIC_PARTS`.
    """
    if not can_be_marked(packet):
        packet = _PACKET.encode()
    before, end, after = _REPLACED.sub(b"", packet).rpartition(_END)
    return before + _DESCRIPTION.format(source_type=source_type).encode() + end + after


def can_be_marked(packet: bytes) -> bool:
    """Whether the mark can be added to a packet."""
    return _END in packet
