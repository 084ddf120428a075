"""What a handler of DJL Serving imports, written anew from its documentation: a stand-in, not DJL's own code.

https://docs.djl.ai/master/docs/serving/serving/docs/modes.html
"""

from .inputs import Input
from .outputs import Output

__all__ = ["Input", "Output"]
